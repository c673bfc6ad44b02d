"""The record writer as a process that FAREBOX_KILL_AT can end: `python -m tests.cdr.edge.writer_process <folder> <last id>`.

Ends by itself when records were written up to the last id. Small files, a checkpoint after each flush.
"""

import os
import sys
import time
from pathlib import Path

from balances.store import EntryId
from cdr.edge.writer import RecordWriter
from runtime.kill_points import VARIABLE, arm, reached
from tests.cdr.edge.writing import NAMES, settings_of


def main(folder: str, last_id: str) -> None:
    """Write until `last_id`."""
    arm(os.environ.get(VARIABLE), environment="lab")
    settings = settings_of(
        Path(folder), partitions=(0, 1), file_rows_max=4, checkpoint_octets_min=0, checkpoint_state_times=0
    )
    writer = RecordWriter(settings, NAMES, now_ns=time.time_ns, reached=reached)
    writer.start()
    while any(position < EntryId.parse(last_id) for position in writer.positions().values()):
        writer.round()
    writer.finish()
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
