// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

import io.backpack4j.spi.BackpackException;
import java.util.ArrayList;
import java.util.List;

/** Weights of classes, for the argument {@code weight} of losses such as {@code CrossEntropyLoss}. */
public final class ClassWeights {

    /** So many samples are read at a time. */
    private static final int READ = 256;

    private ClassWeights() {}

    /**
     * Weights with which all classes that occur count alike: targets / (classes that occur · targets of the class), as
     * scikit-learn's {@code balanced}. A class that does not occur gets 1. Reads all samples once.
     *
     * @param data with class indices as targets; those below 0 are taken for ignored ones
     * @param classes how many there are
     * @throws BackpackException if targets are no classes, or none of them
     */
    public static List<Double> balanced(DataSource data, int classes) {
        return balanced(new SampledBatches(data, READ, false, false, 0), classes);
    }

    /**
     * The same of the batches of an epoch.
     *
     * @param batches with class indices as targets; those below 0 are taken for ignored ones
     * @param classes how many there are
     * @throws BackpackException if targets are no classes, or none of them
     */
    public static List<Double> balanced(Batches batches, int classes) {
        long[] counts = new long[classes];
        for (long number = 0; number < batches.perEpoch(); number++) {
            HostTensor targets = batches.read(1, number).targets();
            if (!(targets instanceof HostTensor.Longs indices)) {
                throw new BackpackException(
                        DataProblems.BAD_DATA,
                        "Weights of classes need class indices as targets, but targets of shape %s are real numbers."
                                .formatted(targets.shape()));
            }
            for (long target : indices.values()) {
                if (target >= classes) {
                    throw new BackpackException(
                            DataProblems.BAD_DATA,
                            "A target is class %d, but there are %d classes, from 0 to %d."
                                    .formatted(target, classes, classes - 1));
                }
                if (target >= 0) {
                    counts[(int) target]++;
                }
            }
        }
        return balanced(counts);
    }

    private static List<Double> balanced(long[] counts) {
        double all = 0;
        int occurring = 0;
        for (long count : counts) {
            all += count;
            occurring += count > 0 ? 1 : 0;
        }
        List<Double> weights = new ArrayList<>();
        for (long count : counts) {
            weights.add(count == 0 ? 1 : all / ((double) occurring * count));
        }
        return List.copyOf(weights);
    }
}
