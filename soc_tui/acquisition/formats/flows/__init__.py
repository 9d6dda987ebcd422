"""Flow records: one line a connection, from collectors and clouds."""

from __future__ import annotations

from soc_tui.acquisition.formats.base import Format
from soc_tui.acquisition.formats.flows.argus import Argus
from soc_tui.acquisition.formats.flows.aws_vpc import AwsVpc
from soc_tui.acquisition.formats.flows.cicflowmeter import CicFlowMeter
from soc_tui.acquisition.formats.flows.nfdump import Nfdump

FORMATS: tuple[Format, ...] = (CicFlowMeter(), Nfdump(), Argus(), AwsVpc())
"""In the order in which ties are decided."""
