"""Commands that put several rooms together; `workshop.cli` names them."""
