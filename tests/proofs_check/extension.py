"""What a user writes: one short file with a WHAT and a LEVEL. The tests register it, and remove it again."""

from array_api_compat import array_namespace

from theory.properties import CONCEPT, ORDERED, Level, What

STABLE = What(
    "SC",
    CONCEPT,
    ORDERED,
    lambda v, i, j: (v.encode(j, v.decode(j, v.code(i))), v.code(i)),
    crosses=False,
    invariant=frozenset(
        {"order of the points", "pairing", "rotation of a representation", "rotation of the codes"},
    ),
    text="stable concepts: f_j g_j f_i(x_i) = f_i(x_i)",
)


class SameGram(Level):
    """Equal Gram matrices of the matched rows (representational similarity): the widths of the two sides may differ."""

    prefix = "g"

    def loss(self, what, view, i, j):
        """Mean squared difference of the inner products."""
        a, b = view.paired(what, i, j)
        return array_namespace(a, b).sum((a @ a.T - b @ b.T) ** 2) / max(a.shape[0], 1) ** 2

    def holds(self, what, view, i, j):
        """Equal inner products, exactly."""
        a, b = view.paired(what, i, j)
        return bool((a @ a.T == b @ b.T).all())

    def residual(self, what, view, i, j):
        """Difference of the Gram matrices."""
        a, b = what.sides(view, i, j)
        return a @ a.T - b @ b.T
