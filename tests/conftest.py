"""Lets the tests import codegen from the source tree; an installed pyacts comes before the tree's own."""

import sys

from common import ROOT

sys.path.append(str(ROOT))
