"""Pages of `authoring`: each module hangs its own on the shared blueprint."""

from blogapp.authoring import checks as checks
from blogapp.authoring import circles as circles
from blogapp.authoring import desk as desk
from blogapp.authoring import digests as digests
from blogapp.authoring import editing as editing
from blogapp.authoring import linking as linking
from blogapp.authoring import missed as missed
from blogapp.authoring import notes as notes
from blogapp.authoring import publishing as publishing
from blogapp.authoring import revisions as revisions
from blogapp.authoring import rota as rota
from blogapp.authoring import scheduling as scheduling
from blogapp.authoring import sections as sections
from blogapp.authoring import sharing as sharing
from blogapp.authoring.blueprint import bp as bp
