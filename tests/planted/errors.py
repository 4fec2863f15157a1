"""Errors planted in the sources, one at a time, each with the test that has to notice it."""

from typing import NamedTuple


class Planted(NamedTuple):
    """One error: in `path`, `old` (which occurs once) becomes `new`; the test `killer` must fail."""

    name: str
    path: str
    old: str
    new: str
    killer: str


def theory(name, path, old, new, killer):
    return Planted(name, f"theory/{path}", old, new, f"tests/theory/{killer}")


def solver(name, path, old, new, test):
    return theory(name, f"solvers/{path}.py", old, new, f"test_solvers_{path}.py::{test}")


def training(name, path, old, new, killer):
    return Planted(name, f"nonlinear/{path}.py", old, new, f"tests/nonlinear/{killer}")


def ledger(name, path, old, new, killer):
    return Planted(name, f"proofs_check/{path}.py", old, new, f"tests/proofs_check/test_{path}.py::{killer}")


ERRORS = (
    # Moments and linear algebra
    theory(
        "covariance with 1/(n−1)",
        "moments.py",
        "np.triu(self.gram) / self.n",
        "np.triu(self.gram) / max(self.n - 1, 1)",
        "test_moments.py::test_equal_to_exact_rational_arithmetic",
    ),
    theory(
        "merging forgets the shift of the means",
        "moments.py",
        "a * self.Sxy + b * other.Sxy + a * b * np.outer(shift_x, shift_y)",
        "a * self.Sxy + b * other.Sxy",
        "test_moments.py::test_blocks_and_merges_in_any_partition_agree",
    ),
    theory(
        "rank without a cutoff",
        "linalg.py",
        "np.count_nonzero(values > tolerance(largest, values.size))",
        "np.count_nonzero(values > 0)",
        "test_linalg.py::test_rank_and_whitener",
    ),
    theory(
        "σ_min of a wide decoder from its SVD",
        "linalg.py",
        "return 0.0 if D.shape[1] > D.shape[0] else float(svd(D)[1][-1])",
        "return float(svd(D)[1][-1])",
        "test_linalg.py::test_extreme_gains_bound_every_direction_and_are_attained",
    ),
    theory(
        "whitening divides by the eigenvalue, not its root",
        "linalg.py",
        "vectors[:, :r] / np.sqrt(values[:r]), values[:r]",
        "vectors[:, :r] / values[:r], values[:r]",
        "test_linalg.py::test_rank_and_whitener",
    ),
    theory(
        "frames of anchors with the signs of the QR",
        "monte_carlo/rotations.py",
        "return Q * np.sign(np.diagonal(R, axis1=1, axis2=2))[:, None]",
        "return Q",
        "test_monte_carlo_rotations.py::test_maps_match_the_covariance_and_meet_the_anchors",
    ),
    theory(
        "an anchor leaves the signs of symmetric components",
        "ambiguity/components.py",
        "stays = float(m > 0)",
        "stays = 0.0",
        "test_components.py::test_values",
    ),
    # Solvers
    solver(
        "PCA: a missing transpose",
        "pca",
        '"D": V[:, :k].T}',
        '"D": V[:k]}',
        "test_optimum_is_attained_and_is_the_tail_of_the_singular_values",
    ),
    solver(
        "CCA: sign of the optimum",
        "cca",
        "optimum=float(2 * k - 2 * rho[:k].sum())",
        "optimum=float(2 * k + 2 * rho[:k].sum())",
        "test_codes_are_white_and_attain_the_optimum",
    ),
    solver(
        "CCA: the gap one place too late",
        "cca",
        "gap = gap_at(rho, k)",
        "gap = gap_at(rho, k + 1)",
        "test_unique_iff_full_rank_and_a_gap",
    ),
    solver(
        "RRR: singular values not squared",
        "reduced_rank",
        "(sigma[:k] ** 2).sum()",
        "sigma[:k].sum()",
        "test_optimum_is_the_regression_truncated",
    ),
    solver(
        "Lemma 4: λ on the cross block",
        "consistency_tradeoff",
        "[[weight * np.diag(white.lx), white.M], [white.M.T, weight * np.diag(white.ly)]]",
        "[[np.diag(white.lx), weight * white.M], [weight * white.M.T, np.diag(white.ly)]]",
        "test_the_audits_example",
    ),
    solver(
        "Lemma 6: λ for λ² on the diagonal",
        "translation_tradeoff",
        "+ weight**2 * np.diag(lx)",
        "+ weight * np.diag(lx)",
        "test_codes_are_white_decoders_are_best_and_the_optimum_is_attained",
    ),
    solver(
        "cycle: tails from k, not from min(k, dx, dy)",
        "cycle",
        "optimum=float(lx[r:].sum() + ly[r:].sum())",
        "optimum=float(lx[k:].sum() + ly[k:].sum())",
        "test_value_with_fewer_and_with_more_codes_than_dimensions",
    ),
    solver(
        "transport: Σy for its root",
        "transport",
        "@ Q @ root(moments.Sy)",
        "@ Q @ moments.Sy",
        "test_matched_maps_between_different_dimensions",
    ),
    solver(
        "MAXBET: any point is certified",
        "maxbet",
        "gap = 2 * k * max(0.0, -float(values[0]))",
        "gap = 2 * k * max(0.0, float(values[0]))",
        "test_the_exact_example_where_the_relaxation_is_not_tight",
    ),
    # Bounds
    theory(
        "duality with T − R",
        "bounds.py",
        "return (T + R) / sigma",
        "return abs(T - R) / sigma",
        "test_bounds.py::test_sampled_codes_obey_the_duality",
    ),
    theory(
        "coherence with 2s atoms too many",
        "bounds.py",
        "1.0 - (2 * s - 1) * mu",
        "1.0 - (2 * s - 2) * mu",
        "test_bounds.py::test_coherence_bounds_the_sparse_gain_from_below",
    ),
    theory(
        "noisy anchors: directions that turn into themselves",
        "ambiguity/noisy_anchors.py",
        " - 0.5 / s)",
        ")",
        "test_noisy_anchors.py::test_slopes_of_the_procrustes_fit_sum_to_the_first_order",
    ),
    # Properties, levels, view, discrepancy
    theory(
        "element mean for the sum over coordinates",
        "levels.py",
        "/ max(a.shape[0], 1)",
        "/ max(a.shape[0] * a.shape[1], 1)",
        "test_properties.py::test_instance_losses_are_formulas_3_to_6",
    ),
    theory(
        "cycle that returns through the wrong decoder",
        "whats.py",
        "v.decode(i, v.encode(j, v.decode(j, v.code(i))))",
        "v.decode(i, v.encode(i, v.decode(i, v.code(i))))",
        "test_properties.py::test_instance_losses_are_formulas_3_to_6",
    ),
    theory(
        "laws without multiplicities",
        "levels.py",
        "{row: Fraction(count, len(x)) for",
        "{row: Fraction(min(count, 1)) for",
        "test_properties.py::test_truth_on_exact_rows",
    ),
    theory(
        "disjoint split that shares points",
        "view.py",
        "np.flatnonzero(~np.isin(ids_j, first))",
        "np.arange(len(ids_j))",
        "test_view.py::test_disjoint_samples_share_no_point_and_lose_none",
    ),
    theory(
        "distributional terms on matched rows",
        "view.py",
        'if self.sampling == "aligned":',
        "if self.sampling in SAMPLINGS:",
        "test_view.py::test_a_distributional_loss_takes_its_sides_from_disjoint_points",
    ),
    theory(
        "matched rows the wrong way round",
        "view.py",
        "return rows_i, rows_j",
        "return rows_j, rows_i",
        "test_view.py::test_matched_rows_show_the_same_points",
    ),
    theory(
        "unbiased distance with n for n − 1",
        "discrepancy.py",
        "(n * within_a - 1) / (n - 1)",
        "(n * within_a - 1) / n",
        "test_properties.py::test_the_unbiased_level_is_the_unbiased_distance",
    ),
    theory(
        "real part without the sines",
        "discrepancy.py",
        "between = re_a * re_b + im_a * im_b",
        "between = re_a * re_b - im_a * im_b",
        "test_properties.py::test_the_unbiased_level_is_the_unbiased_distance",
    ),
    theory(
        "atoms active on both sides only",
        "discrepancy.py",
        "xp.any(a != 0, axis=0) | xp.any(b != 0, axis=0)",
        "xp.any(a != 0, axis=0) & xp.any(b != 0, axis=0)",
        "test_properties.py::test_distributional_losses_are_formulas_23_to_25",
    ),
    theory(
        "disjoint batches that share points",
        "monte_carlo/leak.py",
        "order[:, n : n + m]",
        "order[:, :m]",
        "test_monte_carlo_leak.py::test_batches",
    ),
    theory(
        "trapezoid without its half weights",
        "quadrature.py",
        "    weights[[0, -1]] /= 2\n",
        "",
        "test_discrepancy.py::test_default_grid_is_the_trapezoid_rule",
    ),
    theory(
        "pairs of different coordinates that include equal ones",
        "blindness.py",
        "d * (d - 1) * apart",
        "d * d * apart",
        "test_blindness.py::test_moments_of_the_sphere",
    ),
    # Anchors
    theory(
        "a random permutation that is the identity",
        "monte_carlo/permutations.py",
        "(np.lexsort((rng.random((n, K)), labels)) for _ in range(2))",
        "[np.lexsort((rng.random((n, K)), labels))] * 2",
        "test_monte_carlo_permutations.py::test_simulations_contain_what_enumeration_gives",
    ),
    # What decides
    ledger(
        "the checker accepts anything",
        "algebra",
        "return not rest.terms and identity == (not goal.terms)",
        "return True",
        "test_forged_certificates_are_refused",
    ),
    ledger(
        "words that do not fit",
        "algebra",
        "return sane and [*(x.row for x in word), column] == [row, *(x.column for x in word)]",
        "return True",
        "test_what_does_not_fit_is_refused",
    ),
    ledger(
        "z3: contradictory hypotheses prove anything",
        "logic",
        "return consistent and proved, answers",
        "return proved, answers",
        "test_contradictory_hypotheses_prove_nothing",
    ),
    ledger(
        "z3: unknown counts as proved",
        "logic",
        'return "unsat" in answers and "sat" not in answers,',
        'return "sat" not in answers,',
        "test_an_unfinished_search_proves_nothing",
    ),
    ledger(
        "the judge ignores failures",
        "ledger",
        "if any(not r.passed for found in records.values() for r in found):",
        "if False:",
        "test_a_failing_record_breaks_the_claim",
    ),
    ledger(
        "a subset counts as a whole",
        "ledger",
        "if any(not records.get(kind) for kind in claim.required):",
        "if not records:",
        "test_a_subset_is_not_run",
    ),
    ledger(
        "verdicts without ancestors",
        "ledger",
        "ancestors = [verdicts[i] for i in claim.requires]",
        "ancestors = []",
        "test_a_claim_stands_only_on_standing_ancestors",
    ),
    ledger(
        "refuted without a correction",
        "ledger",
        "        ancestors += corrections\n        if not corrections:\n            return Verdict.OPEN\n",
        "",
        "test_refuted_needs_the_correction_verified",
    ),
    ledger(
        "proof and counterexample stand together",
        "ledger",
        '        if "proof" in claim.evidence:\n            return Verdict.BROKEN\n',
        "",
        "test_a_proof_and_a_counterexample_at_once_are_broken",
    ),
    ledger(
        "an axiom alone is a proof",
        "ledger",
        'if all(isinstance(r, Step) and r.engine == "axiom" for r in records):',
        "if False:",
        "TestCollect::test_an_axiom_alone_proves_nothing",
    ),
    ledger(
        "mutants are always killed",
        "evidence",
        "return not self.proved and self.violation > 1",
        "return True",
        "TestMutants",
    ),
    ledger(
        "floats are exact margins",
        "evidence",
        "isinstance(self.margin, int | Fraction)",
        "isinstance(self.margin, int | float | Fraction)",
        "TestCounterexample::test_inexact_margins_are_rejected",
    ),
    ledger(
        "a check that compares nothing passes",
        "evidence",
        '            assert pairs, "a check that compares nothing is no evidence"\n',
        "            pairs = pairs or [(0.0, 1.0)]\n",
        "TestNumeric::test_a_member_that_fails_fails_the_record",
    ),
    ledger(
        "only the last comparison counts",
        "evidence",
        'worst = min(values) if kind == "family" else max(values)',
        "worst = values[-1]",
        "TestNumeric::test_the_worst_member_is_reported",
    ),
    ledger(
        "failures are cached",
        "runner",
        "    if all(f.passed for f in findings):\n        _write(findings, run)\n",
        "    _write(findings, run)\n",
        "test_what_failed_is_never_cached",
    ),
    ledger(
        "the cache ignores the seed",
        "runner",
        '{claim}-{kind}-{run.seed}-{run.examples}.json"',
        '{claim}-{kind}-{run.examples}.json"',
        "test_another_seed_or_effort_runs_again",
    ),
    ledger(
        "claims prove whatever their verdict",
        "implications",
        "if verdicts.get(claim.id) in STANDING for",
        "for",
        "test_only_claims_that_stand_prove",
    ),
    ledger(
        "a model refutes without its premises",
        "models",
        "if all(truth) and not concluded:",
        "if not concluded:",
        "test_refute_finds_the_first_countermodel_if_there_is_one",
    ),
    ledger(
        "generated tests that require nothing",
        "contract",
        "    if not condition:\n        raise ContractError(text)\n",
        "    del condition, text\n",
        "test_an_unknown_transformation_is_caught",
    ),
    # Sparse coders and their training
    training(
        "a row keeps one atom too many where scores tie",
        "selection",
        "tied.cumsum(-1) <= room",
        "tied.cumsum(-1) <= room + 1",
        "test_selection.py::test_mask_is_sorting_by_hand",
    ),
    training(
        "gradient of an encoder through atoms that did not fire",
        "kernels",
        "grad = torch.where(values > 0, grad, 0)",
        "grad = grad.clone()",
        "test_kernels.py::test_encode",
    ),
    training(
        "consistency of sparse codes forgets atoms active on the other side alone",
        "kernels",
        "return (difference**2).sum() + (rest**2).sum()",
        "return (difference**2).sum()",
        "test_kernels.py::test_squared_distance",
    ),
    training(
        "characteristic function of sparse codes without its silent rows",
        "kernels",
        "torch.complex(1 + real, imaginary.contiguous())",
        "torch.complex(real, imaginary.contiguous())",
        "test_kernels.py::test_characteristic_function",
    ),
    training(
        "both sides of a distributional term from one half of the points",
        "batch",
        "return self.layout.side(i, 0), self.layout.side(j, 1)",
        "return self.layout.side(i, 0), self.layout.side(j, 0)",
        "test_batch.py::test_what_a_property_sees",
    ),
    training(
        "the residual of dead atoms is not detached",
        "losses",
        "(residual.detach() - z @ D[longest])",
        "(residual - z @ D[longest])",
        "test_losses.py::test_only_dead_atoms_learn_from_the_residual",
    ),
    training(
        "every pass over the data has the same order",
        "batch",
        "epoch, first = divmod(start, stratum.size)",
        "epoch, first = 0, start % stratum.size",
        "test_batch.py::test_every_pass_has_an_order_of_its_own",
    ),
    training(
        "convergence read from the whole curve",
        "experiments/outcomes",
        "before = losses[max(0, len(losses) - 1 - max(1, len(losses) // 10))]",
        "before = losses[0]",
        "test_experiments.py::test_change_looks_at_the_last_tenth",
    ),
    training(
        "R² of a translation from the transposed cross-covariance",
        "experiments/cycle",
        "2 * float(np.sum(A * moments.Sxy) / np.trace(moments.Sy))",
        "2 * float(np.sum(A * moments.Sxy.T) / np.trace(moments.Sy))",
        "test_experiments.py::test_cycle_training_ends_at_an_optimum_that_does_not_translate",
    ),
    training(
        "anchors compared with batches of their own",
        "translators",
        "matched=None if anchors is None else len(known)",
        "matched=None",
        "test_translators.py::test_anchors_give_the_minimum_norm_regression_and_leave_the_rest_of_the_start",
    ),
    training(
        "atoms matched by their disagreement",
        "experiments/anchoring",
        "match(x[:, order].T @ y)",
        "match(-(x[:, order].T @ y))",
        "test_experiments_anchoring.py::test_matching_finds_the_planted_permutation",
    ),
    training(
        "floor of one sample instead of two",
        "experiments/gaussian",
        "return float(expected_distance(phi, phi, grid, n, n))",
        'return float(expected_distance(phi, phi, grid, n, float("inf")))',
        "test_experiments_laws.py::test_the_floor_by_monte_carlo",
    ),
    training(
        "own objective read from standalone codes",
        "experiments/outcomes",
        "view = run.sample(standalone=False)",
        "view = run.sample(standalone=True)",
        "test_experiments_methods.py::test_the_objective_of_joint_codes_is_that_of_the_joint_selection",
    ),
    training(
        "shuffled rows keep the labels of the others",
        "experiments/arms",
        "labels[s][order]",
        "labels[s]",
        "test_experiments_methods.py::test_shuffling_keeps_rows_with_their_labels",
    ),
    # The benchmark
    training(
        "pursuit does not project again",
        "intervench/pursuit",
        "residual[:, c] = moments.cross[:, c] - G @ w",
        "residual[:, c] -= G @ w",
        "intervench/test_pursuit.py::test_pursuit_takes_what_scikit_learn_takes",
    ),
    training(
        "a probe of two classes with twice the penalty",
        "intervench/probe",
        "weight = penalty / 2 if len(found) == 2 else penalty",
        "weight = penalty",
        "intervench/test_probe.py::test_both_fits_agree_with_scikit_learn",
    ),
    training(
        "atoms ablated about the mean of the rows",
        "intervench/spaces",
        "((x - domain.b) @ Q.T) @ Q",
        "(x @ Q.T) @ Q",
        "intervench/test_spaces.py::test_ablation_projects_on_what_is_orthogonal_to_the_atoms",
    ),
    training(
        "a latent probe travels by the atoms of its own stream",
        "intervench/spaces",
        "probe.W @ self.bench.domains[j].D",
        "probe.W @ self.bench.domains[i].D",
        "intervench/test_spaces.py::test_probes_travel_by_their_weights",
    ),
    training(
        "two losses make a gain",
        "intervench/scores",
        "np.where((kept < 0) & (lost < 0), -kept * lost, kept * lost)",
        "kept * lost",
        "intervench/test_scores.py::test_two_losses_are_no_gain",
    ),
    training(
        "a closed gate lets through",
        "intervench/scores",
        'np.where(self.raw[f"probe/{s}"][edge][0] < self.config.gate, 0.0, values)',
        "values + 0.0",
        "intervench/test_scores.py::test_the_gate",
    ),
    # Empirical claims
    Planted(
        "a null keeps the trained R²",
        "proofs_check/trained/comparisons.py",
        '{"r2": {**unit["r2"], **unit[null]}}',
        '{"r2": {**unit[null], **unit["r2"]}}',
        "tests/proofs_check/test_comparisons.py::test_nulls_replace_what_they_are_about_and_nothing_else",
    ),
    Planted(
        "the control read from the measured arm",
        "proofs_check/trained/comparisons.py",
        "{words: _values(reading.control_of or reading.of, control)}",
        "{words: _values(reading.control_of or reading.of, measured)}",
        "tests/proofs_check/test_comparisons.py::test_a_record_holds_every_seed_of_arm_control_and_nulls",
    ),
    ledger(
        "runs that have not converged count",
        "empirical",
        "if self.converged < len(self.changes):",
        "if False:",
        "TestOutcome",
    ),
    ledger(
        "a control that satisfies the prediction is no obstacle",
        "empirical",
        "if not self.prediction.missed(t_interval(values)):",
        "if False:",
        "TestOutcome",
    ),
)
