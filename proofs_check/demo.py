"""The bundled real data: scikit-learn's handwritten digits, cut into a left and a right half."""

from proofs_check.inputs import Rows


def digits() -> tuple[Rows, Rows]:
    """Left and right halves (8×4 pixels each) of the 1797 digits; some pixels are constant, so both are rank-deficient.

    Examples
    --------
    >>> [(rows.name, len(rows), rows.dim) for rows in digits()]
    [('digits, left half', 1797, 32), ('digits, right half', 1797, 32)]
    """
    from sklearn.datasets import load_digits

    images = load_digits()["images"]  # pyright: ignore[reportArgumentType, reportCallIssue]
    left, right = images[:, :, :4], images[:, :, 4:]
    return (
        Rows("digits, left half", left.reshape(len(images), -1)),
        Rows("digits, right half", right.reshape(len(images), -1)),
    )
