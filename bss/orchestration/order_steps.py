"""The workflow of an order, forwards, or backwards once it is cancelled: every kind of step that plans name (plans.py) and what
does it, as a table. What becomes of a step that falls out, people decide (bss/orders/fallout.py).
"""

from collections.abc import Callable, Mapping
from typing import Final

from bss.orchestration.inventory_steps import InventorySteps
from bss.orchestration.move_steps import MoveSteps
from bss.orchestration.outside_steps import EngineSteps, NetworkSteps
from bss.orchestration.ports import Ports
from bss.orchestration.step_flow import Inside, Outside, StepFlow
from bss.orders import execution
from bss.orders.execution import Task

ORDER: Final = "order"
"""The workflow's name."""
Steps = Mapping[str, Inside[Task] | Outside[Task]]
"""What does each kind of step, and of compensation."""


def order_flow(steps: Steps, reached: Callable[[str], None] = lambda name: None) -> StepFlow[Task]:
    """The workflow, for a table of steps."""
    return StepFlow(execution, steps, point=lambda task: f"order.{task.kind}", reached=reached)


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
