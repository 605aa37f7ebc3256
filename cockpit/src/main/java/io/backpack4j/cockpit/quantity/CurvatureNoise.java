// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The leading eigenvalues of the generalised Gauss-Newton matrix, descending; in the details their share of the trace
 * and the signal-to-noise ratios of slope and curvature along their eigenvectors, γ̄_k² / Var γ_nk and λ_k² / Var λ_nk
 * over the samples, with N − 1 in the variance; F. Dangel, L. Tatzel, P. Hennig (2022), "ViViT: Curvature access
 * through the generalized Gauss-Newton's low-rank structure", section 3. Extensions that a jar brings make them, by
 * their names.
 */
final class CurvatureNoise implements SingleStepQuantity {

    private static final int DIRECTIONS = 10;

    private final Optional<Parts> parts;

    /** Why there are no extensions, to be said where a network is asked for them; null if there are. */
    private final @Nullable BackpackException failure;

    /** What makes it: all eigenvalues, and slopes and curvatures along some eigenvectors. */
    private record Parts(NetworkExtension<?, ?> spectrum, NetworkExtension<?, ?> directions) {

        static Parts of(Catalog catalog, int top, int draws) {
            Map<String, Object> root = Map.of("mc_samples", (long) draws);
            Map<String, Object> along = Map.of("mc_samples", (long) draws, "top", (long) top, "drop", true);
            return new Parts(
                    (NetworkExtension<?, ?>) catalog.extension("GgnEigenvalues", root),
                    (NetworkExtension<?, ?>) catalog.extension("DirectionalDerivatives", along));
        }
    }

    CurvatureNoise(Arguments options, Catalog catalog) {
        int top = Options.count(options, "top", DIRECTIONS, 10_000);
        int draws = options.has("mc_samples") ? Options.count(options, "mc_samples", 1, 1_000_000) : 0;
        Optional<Parts> made = Optional.empty();
        @Nullable BackpackException found = null;
        try {
            made = Optional.of(Parts.of(catalog, top, draws));
        } catch (BackpackException e) {
            found = e;
        }
        this.parts = made;
        this.failure = found;
    }

    @Override
    public boolean isOfParameters() {
        return false;
    }

    @Override
    public List<Extension<?>> extensions(long step, boolean due) {
        return due
                ? parts.<List<Extension<?>>>map(both -> List.of(both.spectrum(), both.directions()))
                        .orElse(List.of())
                : List.of();
    }

    @Override
    public void check(BackPack backpack, Model model, Batch batch) {
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        if (parts.isEmpty()) {
            return Measurement.missing("no plugin provides GgnEigenvalues and DirectionalDerivatives");
        }
        double[] spectrum = only(exported(step, parts.get().spectrum()), "");
        Map<String, Tensor> along = exported(step, parts.get().directions());
        double[] gammas = only(along, "gammas");
        double[] lambdas = only(along, "lambdas");
        int samples = (int) step.samples();
        int count = lambdas.length / samples;
        double trace = Arrays.stream(spectrum).sum();
        double[] leading = new double[count];
        List<Object> slopes = new ArrayList<>();
        List<Object> curvatures = new ArrayList<>();
        for (int k = 0; k < count; k++) {
            int column = count - 1 - k;
            leading[k] = spectrum[spectrum.length - 1 - k];
            slopes.add(signalToNoise(gammas, count, column));
            curvatures.add(signalToNoise(lambdas, count, column));
        }
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("trace", Value.of(trace).toJson());
        details.put("share", Value.of(Arrays.stream(leading).sum() / trace).toJson());
        details.put("slope_to_noise", slopes);
        details.put("curvature_to_noise", curvatures);
        return new Measurement(Value.of(leading), details);
    }

    /** The squared mean over the variance of a column; why not, for one sample or where nothing varies. */
    private static Object signalToNoise(double[] rows, int columns, int column) {
        int samples = rows.length / columns;
        double mean = 0;
        for (int n = 0; n < samples; n++) {
            mean += rows[n * columns + column] / samples;
        }
        double squares = 0;
        for (int n = 0; n < samples; n++) {
            double distance = rows[n * columns + column] - mean;
            squares += distance * distance;
        }
        return samples < 2
                ? new Value.Missing("a batch of one sample has no variance").toJson()
                : Value.of(mean * mean / (squares / (samples - 1))).toJson();
    }

    private static <W> Map<String, Tensor> exported(Observation step, NetworkExtension<?, W> extension) {
        return extension.exportNetworkResult(step.network(extension));
    }

    /** The numbers of the only group, among tensors by name. */
    private static double[] only(Map<String, Tensor> tensors, String name) {
        return tensors.entrySet().stream()
                .filter(entry -> entry.getKey().contains(name))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("No " + name + " among " + tensors.keySet()))
                .getValue()
                .toDoubleArray();
    }
}
