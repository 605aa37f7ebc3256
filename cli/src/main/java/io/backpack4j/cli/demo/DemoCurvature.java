// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.demo;

import io.backpack4j.cli.console.Table;
import io.backpack4j.cli.console.Text;
import io.backpack4j.cli.report.Curvature;
import io.backpack4j.cli.report.DiagonalImages;
import io.backpack4j.cli.report.FactorPair;
import io.backpack4j.cli.report.LeadingDirections;
import io.backpack4j.cli.report.PixelWeight;
import io.backpack4j.cli.report.Spectrum;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Makes the demo's pictures of curvature: diagonals, spectra, and estimated factors beside exact ones. */
final class DemoCurvature {

    private static final String OUTPUT_SIDE = "/0";
    private static final String INPUT_SIDE = "/1";

    /** Eigenvalues of larger factors are not computed: the time grows with the cube. */
    private static final int LARGEST = 1024;

    /** Columns of more samples make a Gram matrix that takes longer than everything else. */
    private static final int MOST_SAMPLES = 64;

    /** Rows of a Gram matrix, one for every number that the network says of a sample. */
    private static final long MOST_ROWS = 2048;

    private static final long DIRECTIONS = 10;

    /** What the pass for them may take unless somebody asks for them by name. */
    private static final long MOST_BYTES = 256L << 20;

    private static final int[] DRAWS = {1, 4, 16, 64};
    private static final int SEEDS = 3;

    /** No more draws are tried once these took so long. */
    private static final double PATIENCE_MILLISECONDS = 4000;

    private final BackPack backpack;
    private final DemoData data;
    private final Results results;
    private final DemoNames names;
    private final boolean everything;

    /** @param everything whether all is shown that takes little, and not only what somebody named */
    DemoCurvature(BackPack backpack, DemoData data, Results results, DemoNames names, boolean everything) {
        this.everything = everything;
        this.backpack = backpack;
        this.data = data;
        this.results = results;
        this.names = names;
    }

    /**
     * Reads and computes what is shown.
     *
     * @param weight the weight whose rows are images, if there is one
     * @param word what a row stands for
     * @param seed of the draws
     */
    Curvature curvature(Optional<PixelWeight> weight, String word, long seed) {
        DiagonalImages diagonals = weight.map(found -> diagonals(found, word)).orElse(null);
        List<Spectrum> spectra = spectra();
        List<FactorPair> factors = factors();
        LeadingDirections directions = directions(seed);
        return new Curvature(
                diagonals,
                diagonalsNote(diagonals, weight.isPresent()),
                spectra,
                spectra.isEmpty()
                        ? "No spectra: --extensions KFAC computes Kronecker factors of layers with weights."
                        : "KFAC writes a layer's curvature as a product G \u2297 A of a matrix over its outputs and one over its inputs."
                                + " Eigenvalues that fall steeply say that few directions bend the loss, and how much damping an inverse needs.",
                factors,
                factors.isEmpty() ? List.of() : convergence(factors, seed),
                factors.isEmpty()
                        ? "No comparison: --extensions KFAC,KFLR computes the factors from drawn targets and exactly."
                        : "KFLR makes G from the loss's exact Hessian, KFAC from targets that the model draws, which costs one column instead of one per class."
                                + " A is the same. The distance is the norm of the difference, relative to that of the exact G;"
                                + " it falls with the root of the number of draws.",
                directions,
                directions == null
                        ? "No directions: --extensions GgnEigenvalues,DirectionalDerivatives finds them."
                        : "The leading eigenvectors of the Gauss-Newton matrix of the first %d samples have %.0f %% of its trace. Signal to noise is the squared mean over the variance of single samples: where it is below 1 divided by the batch size, a step along the direction follows noise and needs damping."
                                .formatted(directions.samples(), 100 * directions.share()));
    }

    /** Prints a line per factor. */
    static void print(Curvature curvature, PrintWriter out) {
        if (curvature.spectra().isEmpty()) {
            return;
        }
        Map<String, Double> distances = new LinkedHashMap<>();
        curvature.factors().forEach(pair -> distances.put(pair.parameter(), pair.distance()));
        Table table = new Table(
                "parameter", "KFAC factor", ">greatest eigenvalue", ">90 % of trace in", ">distance from KFLR");
        for (Spectrum spectrum : curvature.spectra()) {
            Double distance = spectrum.side().equals("G") ? distances.get(spectrum.parameter()) : null;
            table.row(
                    spectrum.parameter(),
                    "%s, %d x %d".formatted(spectrum.side(), spectrum.size(), spectrum.size()),
                    Text.number(spectrum.greatest()),
                    "%d of %d".formatted(spectrum.most(), spectrum.size()),
                    distance == null ? "" : Text.format("%.2f %%", 100 * distance));
        }
        out.println();
        table.print(out);
    }

    private @Nullable DiagonalImages diagonals(PixelWeight weight, String word) {
        Tensor exact = tensor(weight.parameter(), names.of("DiagGGNExact"), "");
        Tensor estimate = tensor(weight.parameter(), names.of("DiagGGNMC"), "");
        return exact == null && estimate == null ? null : DiagonalImages.of(weight, word, exact, estimate);
    }

    private static String diagonalsNote(@Nullable DiagonalImages diagonals, boolean weight) {
        if (diagonals == null) {
            return weight
                    ? "No diagonals: --extensions DiagGGNExact,DiagGGNMC computes them."
                    : "No diagonals: no row of a weight is an image.";
        }
        return "The diagonal of the generalised Gauss-Newton matrix of %s: how fast the loss's slope changes with each number alone. Bright places are stiff and want small steps; where the input is always zero nothing bends."
                .formatted(diagonals.parameter());
    }

    private List<Spectrum> spectra() {
        List<Spectrum> spectra = new ArrayList<>();
        Optional<String> name = names.of("KFAC").or(() -> names.of("KFLR"));
        for (String parameter : layers(name)) {
            spectrum(parameter, "G", tensor(parameter, name, OUTPUT_SIDE), spectra);
            spectrum(parameter, "A", tensor(parameter, name, INPUT_SIDE), spectra);
        }
        return spectra;
    }

    /**
     * Adds a factor that is a matrix: a table's input side is a diagonal, and a weight of several blocks has a matrix
     * for each.
     */
    private void spectrum(String parameter, String side, @Nullable Tensor factor, List<Spectrum> spectra) {
        if (factor == null || factor.shape().rank() != 2 || factor.shape().size(-1) > LARGEST) {
            return;
        }
        try (TensorScope scope = backpack.backend().openScope()) {
            Shape shape = factor.shape();
            Tensor matrix = scope.allocate(shape, DType.FLOAT64);
            backpack.backend().elementwise().copy(factor, matrix);
            Tensor values = scope.allocate(shape.dropFirst(1), DType.FLOAT64);
            Tensor vectors = scope.allocate(shape, DType.FLOAT64);
            backpack.backend().decompositions().symmetricEigen(matrix, values, vectors);
            spectra.add(Spectrum.of(parameter, side, values.toDoubleArray()));
        }
    }

    /** Of some samples, in a pass of their own: a Gram matrix of all columns of a large batch takes long. */
    private @Nullable LeadingDirections directions(long seed) {
        boolean named = names.of("GgnEigenvalues").isPresent()
                && names.of("DirectionalDerivatives").isPresent();
        List<String> known = backpack.catalog().extensionTypes();
        if (!named && !(everything && known.containsAll(List.of("GgnEigenvalues", "DirectionalDerivatives")))) {
            return null;
        }
        try {
            return directions(seed, named);
        } catch (BackpackException e) {
            if (named) {
                throw e;
            }
            return null; // Networks that have none stand in the list of what is left out.
        }
    }

    private @Nullable LeadingDirections directions(long seed, boolean named) {
        int samples = (int) Math.min(MOST_SAMPLES, data.batch().samples());
        if (!named && samples * data.model().outputShape().elements() > MOST_ROWS) {
            return null;
        }
        List<Long> taken = LongStream.range(0, samples).boxed().toList();
        List<Request<?>> requests = List.of(
                backpack.catalog().request("GgnEigenvalues", Map.of("subsampling", taken)),
                backpack.catalog()
                        .request(
                                "DirectionalDerivatives",
                                Map.of(
                                        "top",
                                        DIRECTIONS,
                                        "drop",
                                        true,
                                        "subsampling_ggn",
                                        taken,
                                        "subsampling_grad",
                                        taken)));
        Plan plan = backpack.plan(data.model(), data.batch(), requests, PassOptions.DEFAULT);
        if (!named && plan.peakBytes() > MOST_BYTES) {
            return null;
        }
        try (Results found = plan.run(data.batch(), seed)) {
            return LeadingDirections.of(
                    numbers(found, "*/ggn_evals/0"),
                    numbers(found, "*/gammas/0"),
                    numbers(found, "*/lambdas/0"),
                    samples);
        }
    }

    private static double[] numbers(Results found, String name) {
        Tensor tensor = found.tensors().get(name);
        if (tensor == null) {
            throw new IllegalStateException(
                    "No " + name + " among " + found.tensors().keySet());
        }
        return tensor.toDoubleArray();
    }

    private List<FactorPair> factors() {
        List<FactorPair> pairs = new ArrayList<>();
        for (String parameter : layers(names.of("KFAC"))) {
            Tensor estimate = tensor(parameter, names.of("KFAC"), OUTPUT_SIDE);
            Tensor exact = tensor(parameter, names.of("KFLR"), OUTPUT_SIDE);
            if (estimate != null
                    && exact != null
                    && exact.shape().rank() == 2
                    && exact.shape().size(-1) <= LARGEST) {
                int size = (int) exact.shape().size(-1);
                pairs.add(FactorPair.of(parameter, size, estimate.toDoubleArray(), exact.toDoubleArray()));
            }
        }
        return pairs;
    }

    /** Mean distances over a few seeds. */
    private List<Curvature.Convergence> convergence(List<FactorPair> factors, long seed) {
        Map<String, double[]> exact = new LinkedHashMap<>();
        Map<String, List<double[]>> points = new LinkedHashMap<>();
        for (FactorPair pair : factors) {
            Tensor factor = tensor(pair.parameter(), names.of("KFLR"), OUTPUT_SIDE);
            if (factor != null) {
                exact.put(pair.parameter(), factor.toDoubleArray());
                points.put(pair.parameter(), new ArrayList<>());
            }
        }
        long start = System.nanoTime();
        for (int draws : DRAWS) {
            if ((System.nanoTime() - start) / 1e6 > PATIENCE_MILLISECONDS) {
                break;
            }
            Map<String, Double> distances = distances(draws, exact, seed);
            distances.forEach((parameter, distance) ->
                    points.getOrDefault(parameter, new ArrayList<>()).add(new double[] {draws, distance}));
        }
        List<Curvature.Convergence> convergence = new ArrayList<>();
        points.forEach((parameter, distances) -> convergence.add(new Curvature.Convergence(parameter, distances)));
        return convergence;
    }

    private Map<String, Double> distances(int draws, Map<String, double[]> exact, long seed) {
        String name = "kfac";
        Request<?> request = backpack.catalog()
                .request("KFAC", Map.of("mc_samples", draws, "as", name))
                .only(exact.keySet().toArray(String[]::new));
        Plan plan = backpack.plan(data.model(), data.batch(), List.of(request), PassOptions.DEFAULT);
        Map<String, Double> sums = new LinkedHashMap<>();
        for (int i = 0; i < SEEDS; i++) {
            try (Results drawn = plan.run(data.batch(), seed + i)) {
                exact.forEach((parameter, factor) -> {
                    Tensor estimate = drawn.tensors().get(parameter + "/" + name + OUTPUT_SIDE);
                    if (estimate != null) {
                        sums.merge(
                                parameter, FactorPair.distance(estimate.toDoubleArray(), factor) / SEEDS, Double::sum);
                    }
                });
            }
        }
        return sums;
    }

    /** The parameters with both factors. */
    private List<String> layers(Optional<String> name) {
        return data.model().parameters().trainable().stream()
                .filter(parameter -> tensor(parameter, name, INPUT_SIDE) != null)
                .toList();
    }

    private @Nullable Tensor tensor(String parameter, Optional<String> name, String side) {
        return name.map(known -> results.tensors().get(parameter + "/" + known + side))
                .orElse(null);
    }
}
