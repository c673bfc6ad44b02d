"""The record writer as `farebox records` runs it: `python -m … <store url> <data dir> <ready file>`."""

import sys
from dataclasses import replace
from pathlib import Path

from runtime.records_process import run_records
from runtime.settings import RecordSettings, Settings, StoreSettings, TelemetrySettings

if __name__ == "__main__":
    url, data_dir, ready_file = sys.argv[1:]
    settings = replace(
        Settings(),
        store=StoreSettings(data_dir=Path(data_dir)),
        records=RecordSettings(file_age_s=1, disk_free_min_mib=1),
        telemetry=TelemetrySettings(port=0),
    )
    run_records(settings, url, ready_file=Path(ready_file))
