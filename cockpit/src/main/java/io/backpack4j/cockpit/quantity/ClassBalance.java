// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How evenly the samples so far are spread over classes: −Σ_c p_c log p_c / log C, which is 1 if all are equally
 * frequent and 0 if there is one only (E. C. Pielou 1966, "The measurement of diversity in different types of
 * biological collections"). Classes are integer targets, or targets 0 and 1 of a single output. Targets that are no
 * class, such as ignored ones, do not count.
 */
final class ClassBalance implements SingleStepQuantity {

    private static final String COUNTS = "counts";
    private static final String NO_CLASSES = "the targets are no classes";

    private double[] counts = {};
    private long counted = -1;

    @Override
    public boolean isOfParameters() {
        return false;
    }

    @Override
    public Map<String, double[]> state() {
        return counts.length == 0 ? Map.of() : Map.of(COUNTS, counts.clone());
    }

    @Override
    public void restore(Map<String, double[]> state) {
        counts = state.getOrDefault(COUNTS, new double[0]).clone();
    }

    @Override
    public void keep(Observation step, List<String> parameters) {
        count(step);
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        count(step);
        double samples = 0;
        int most = 0;
        int least = 0;
        for (int c = 0; c < counts.length; c++) {
            samples += counts[c];
            most = counts[c] > counts[most] ? c : most;
            least = counts[c] < counts[least] ? c : least;
        }
        if (counts.length < 2 || samples == 0) {
            return Measurement.missing(NO_CLASSES);
        }
        double entropy = 0;
        for (double count : counts) {
            double share = count / samples;
            entropy -= share > 0 ? share * Math.log(share) : 0;
        }
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("samples", (long) samples);
        details.put("classes", counts.length);
        details.put("most", share(most, samples));
        details.put("least", share(least, samples));
        return new Measurement(Value.of(entropy / Math.log(counts.length)), details);
    }

    private Map<String, Object> share(int c, double samples) {
        Map<String, Object> share = new LinkedHashMap<>();
        share.put("class", c);
        share.put("share", counts[c] / samples);
        return share;
    }

    private void count(Observation step) {
        if (counted == step.step()) {
            return;
        }
        counted = step.step();
        int classes = classes(step);
        if (counts.length != classes) {
            counts = new double[classes];
        }
        if (classes == 0) {
            return;
        }
        Tensor targets = step.batch().targets();
        if (targets.dtype() == DType.INT64) {
            for (long target : targets.toLongArray()) {
                if (target >= 0 && target < classes) {
                    counts[(int) target]++;
                }
            }
            return;
        }
        for (double target : targets.toDoubleArray()) {
            if (target == 0 || target == 1) {
                counts[(int) target]++;
            }
        }
    }

    /** The number of classes; 0 if there are none. */
    private static int classes(Observation step) {
        Shape output = step.model().outputShape();
        boolean integers = step.batch().targets().dtype() == DType.INT64;
        if (integers) {
            return output.rank() == 0 ? 0 : Math.toIntExact(output.size(0));
        }
        boolean binary = step.model().loss().type().startsWith("BCE");
        return binary && output.elements() == 1 ? 2 : 0;
    }
}
