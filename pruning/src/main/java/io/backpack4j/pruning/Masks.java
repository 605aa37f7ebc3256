// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.pruning;

import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Elements of parameters that are taken out. Immutable. */
public final class Masks {

    private record Candidate(String parameter, int index, double saliency) {}

    private final Map<String, boolean[]> removed;

    private Masks(Map<String, boolean[]> removed) {
        this.removed = removed;
    }

    /**
     * Takes out what has the least saliency, over all parameters together; of equal ones the first.
     *
     * @param saliencies what weights or rows are worth
     * @param fraction of all weights or rows that there are saliencies of, from 0 to 1; rounded down
     * @param fitted the curvature that saliencies are of, for the parameters' shapes
     */
    public static Masks least(Saliencies saliencies, double fraction, FittedCurvature fitted) {
        if (!(fraction >= 0 && fraction <= 1)) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The fraction to be taken out is %s, but must be from 0 to 1.".formatted(fraction));
        }
        List<Candidate> candidates = new ArrayList<>();
        saliencies.values().forEach((parameter, values) -> {
            for (int i = 0; i < values.length; i++) {
                candidates.add(new Candidate(parameter, i, values[i]));
            }
        });
        candidates.sort(Comparator.comparingDouble(Candidate::saliency));
        Map<String, boolean[]> removed = new LinkedHashMap<>();
        for (String parameter : fitted.parameters()) {
            removed.put(parameter, new boolean[fitted.values(parameter).length]);
        }
        for (Candidate candidate : candidates.subList(0, (int) (fraction * candidates.size()))) {
            if (saliencies.granularity() == Granularity.WEIGHT) {
                mask(removed, candidate.parameter())[candidate.index()] = true;
            } else {
                Shape shape = fitted.shape(candidate.parameter());
                for (int element : Rows.elements(shape, candidate.index())) {
                    mask(removed, candidate.parameter())[element] = true;
                }
                Rows.bias(fitted, candidate.parameter())
                        .ifPresent(bias -> mask(removed, bias)[candidate.index()] = true);
            }
        }
        return new Masks(removed);
    }

    private static boolean[] mask(Map<String, boolean[]> masks, String parameter) {
        return Objects.requireNonNull(masks.get(parameter), parameter);
    }

    /** Whether elements of a parameter are taken out, row-major: a copy. */
    public boolean[] removed(String parameter) {
        return mask(removed, parameter).clone();
    }

    /** How many elements are taken out. */
    public long count() {
        long count = 0;
        for (boolean[] mask : removed.values()) {
            for (boolean gone : mask) {
                count += gone ? 1 : 0;
            }
        }
        return count;
    }

    /**
     * ½ Σ_p δ_pᵀ B_p δ_p, δ being what {@link #apply} changes: the increase of the loss that blocks of any form
     * expect of everything together, at a minimum.
     */
    public double expectedIncrease(FittedCurvature fitted) {
        double sum = 0;
        for (Map.Entry<String, boolean[]> mask : removed.entrySet()) {
            double[] delta = fitted.values(mask.getKey()).clone();
            for (int i = 0; i < delta.length; i++) {
                delta[i] = mask.getValue()[i] ? -delta[i] : 0;
            }
            sum += fitted.halfSquare(mask.getKey(), delta);
        }
        return sum;
    }

    /**
     * Sets what is taken out to zero. Training moves it again: apply once more after each step.
     *
     * @param model with the parameters that the curvature was of
     */
    public void apply(Model model) {
        removed.forEach((parameter, mask) -> {
            double[] values = model.parameters().get(parameter).toDoubleArray();
            if (values.length != mask.length) {
                throw new BackpackException(
                        CommonProblems.SHAPE_MISMATCH,
                        "Parameter '%s' has %d elements, but its mask %d."
                                .formatted(parameter, values.length, mask.length));
            }
            for (int i = 0; i < values.length; i++) {
                values[i] = mask[i] ? 0 : values[i];
            }
            model.parameters().set(parameter, values);
        });
    }
}
