"""Hide secrets in whatever this process logs, tracebacks of Locust's own included."""

import logging
from typing import Any

from runlog.redaction import redact

_formatter = logging.Formatter()


class QuietRecord(logging.LogRecord):
    """A log record whose texts were redacted when it was made, before any handler saw them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        try:
            self.msg, self.args = redact(self.getMessage()), ()
        except Exception:  # noqa: BLE001  # a wrong format string: the handler complains of it, not the one who logged
            return
        if self.exc_info:
            self.exc_text = redact(_formatter.formatException(self.exc_info))  # handlers use it in place of their own


def quieten_logs() -> None:
    """Make every record from now on a quiet one."""
    logging.setLogRecordFactory(QuietRecord)
