// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.LossDescription;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Losses with every option, on the network of {@link Networks#residual}, whose outputs have shape {@code [3]}. */
final class LossOptions {

    private static final List<Double> WEIGHT = List.of(0.5, 2.0, 1.25);

    private LossOptions() {}

    /**
     * A problem with a name.
     *
     * @param name the loss and its options
     * @param problem the network with that loss
     */
    record Named(String name, Problem problem) {
        @Override
        public String toString() {
            return name;
        }
    }

    /** Those whose Hessian has a root. */
    static List<Named> curved(int samples) {
        List<Named> all = new ArrayList<>();
        for (String reduction : List.of("mean", "sum")) {
            Map<String, @Nullable Object> joined = Map.of("reduction", reduction);
            all.add(of("CrossEntropyLoss", samples, joined));
            all.add(of("CrossEntropyLoss", samples, with(joined, "weight", WEIGHT)));
            all.add(of("CrossEntropyLoss", samples, with(with(joined, "weight", WEIGHT), "label_smoothing", 0.3)));
            all.add(of("BCEWithLogitsLoss", samples, with(joined, "weight", List.of(0.25, 1, 2))));
            all.add(of("BCEWithLogitsLoss", samples, with(joined, "pos_weight", List.of(3, 0.5, 1.5))));
            all.add(of("HuberLoss", samples, with(joined, "delta", 2.5)));
            all.add(of("SmoothL1Loss", samples, with(joined, "beta", 2.0)));
            all.add(of("PoissonNLLLoss", samples, joined));
            all.add(of("GaussianNLLLoss", samples, with(joined, "var", List.of(0.5, 2, 1))));
        }
        Map<String, @Nullable Object> none = Map.of();
        all.add(soft(of("CrossEntropyLoss", samples, none)));
        all.add(soft(of("CrossEntropyLoss", samples, with(with(none, "weight", WEIGHT), "label_smoothing", 0.2))));
        all.add(of("BCEWithLogitsLoss", samples, with(with(none, "weight", List.of(2)), "pos_weight", 3)));
        all.add(of("PoissonNLLLoss", samples, with(with(none, "log_input", false), "eps", 9)));
        all.add(of("GaussianNLLLoss", samples, with(with(none, "var", 0.1), "eps", 0.6)));
        return all;
    }

    /** Those whose Hessian by the output is zero wherever it exists. */
    static List<Named> linear(int samples) {
        Map<String, @Nullable Object> none = Map.of();
        return List.of(
                of("NLLLoss", samples, none),
                of("NLLLoss", samples, with(none, "weight", WEIGHT)),
                of("KLDivLoss", samples, with(none, "reduction", "batchmean")),
                of("KLDivLoss", samples, with(none, "log_target", true)),
                of("L1Loss", samples, none),
                of("SmoothL1Loss", samples, with(with(none, "beta", 0), "reduction", "sum")));
    }

    /** Those that ignore another class than PyTorch's default. */
    static List<Named> ignoring(int samples) {
        Map<String, @Nullable Object> ignoring = with(Map.of("reduction", "mean"), "ignore_index", 1);
        List<Named> all = new ArrayList<>();
        for (String type : List.of("CrossEntropyLoss", "NLLLoss")) {
            Problem problem = of(type, samples, ignoring).problem();
            double[] targets = problem.targets().values().clone();
            targets[samples - 1] = 0;
            all.add(new Named(
                    type + " ignoring class 1",
                    new Problem(
                            problem.model(),
                            problem.inputs(),
                            new Numbers(problem.targets().shape(), targets),
                            problem.parameters())));
        }
        return all;
    }

    private static Named of(String type, int samples, Map<String, @Nullable Object> arguments) {
        return new Named(type + " " + arguments, Networks.residual(new LossDescription(type, arguments), samples));
    }

    private static Named soft(Named named) {
        return new Named(named.name() + " of probabilities", Networks.withProbabilities(named.problem(), 3));
    }

    private static Map<String, @Nullable Object> with(
            Map<String, @Nullable Object> arguments, String name, Object value) {
        Map<String, @Nullable Object> more = new HashMap<>(arguments);
        more.put(name, value);
        return more;
    }
}
