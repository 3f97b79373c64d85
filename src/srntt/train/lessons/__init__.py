"""How each kind of model is trained: what a step brings forth, and what it begins with."""
