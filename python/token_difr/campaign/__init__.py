"""Many providers, many days: a campaign is a file, one command, and a folder that holds a run directory a provider and date.

The file (``file.py``, ``toml_table.py``) becomes a record; ``auditing.py`` says how one provider is audited, ``running.py`` asks all of
them by turns (``turns.py``) and judges them, ``checking.py`` says beforehand what it takes. What comes of it lies in the folder
(``folder.py``), from which alone the report is made (``answers.py``, ``standing.py``, ``pairs.py``, ``reporting.py``) and shown
(``table.py``).
"""

from token_difr.campaign.checking import Checked, check_campaign
from token_difr.campaign.file import read_campaign
from token_difr.campaign.reporting import report_of
from token_difr.campaign.running import run_campaign

__all__ = ["Checked", "check_campaign", "read_campaign", "report_of", "run_campaign"]
