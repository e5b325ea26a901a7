"""Write and read a time series beside the samples: the generator's own health, the target's monitors."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from runlog.arrow import column


class SeriesWriter:
    """A slow series, one Arrow stream a process; a row is in the file when `append` returns.

    OSError (a full disk) is the caller's to answer.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._file = pa.OSFile(str(path), "wb")
        self._stream = pa.ipc.new_stream(self._file, schema)

    def append(self, row: Mapping[str, float | int | str | None]) -> None:
        """Write one row; its keys are the schema's columns, a missing one is null."""
        arrays = [column(field.type, [row.get(field.name)]) for field in self._schema]
        self._stream.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        """End the stream."""
        self._stream.close()
        self._file.close()
