"""Every kind of step that plans name (plans.py) and what does it, as a table."""

from bss.orchestration.inventory_steps import InventorySteps
from bss.orchestration.move_steps import MoveSteps
from bss.orchestration.order_flow import Inside, Outside, Steps
from bss.orchestration.outside_steps import EngineSteps, NetworkSteps
from bss.orchestration.ports import Ports


def order_steps(ports: Ports) -> Steps:
    """The table, for these ports."""
    inventory = InventorySteps(ports)
    engine = EngineSteps(ports, inventory)
    network = NetworkSteps(ports)
    move = MoveSteps(ports)
    return {
        "assign_resources": Inside(inventory.assign_resources),
        "free_resources": Inside(inventory.free_resources),
        "activate_product": Inside(inventory.activate_product),
        "suspend_product": Inside(inventory.suspend_product),
        "resume_product": Inside(inventory.resume_product),
        "retire_product": Inside(inventory.retire_product),
        "begin_move": Inside(move.begin_move),
        "undo_move": Inside(move.undo_move),
        "move_product": Inside(move.move_product),
        "move_account": Outside(move.read, move.move_account),
        "return_account": Outside(move.read, move.return_account),
        "open_account": Outside(engine.read_terms, engine.open_account, engine.note_account),
        "apply_product": Outside(engine.read_terms, engine.apply_product),
        "undo_account": Outside(engine.read_terms, engine.close_account),
        "close_account": Outside(engine.read, engine.close_account),
        "bar_account": Outside(engine.read, engine.bar_account),
        "unbar_account": Outside(engine.read, engine.unbar_account),
        "provision_network": Outside(network.provision, network.send),
        "deprovision_network": Outside(network.deprovision, network.send),
        "suspend_network": Outside(network.suspend, network.send),
        "resume_network": Outside(network.resume, network.send),
    }
