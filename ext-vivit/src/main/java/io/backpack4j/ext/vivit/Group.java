// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;

/**
 * A group of parameters with the Gram matrix of its root.
 *
 * @param partial the network's partial results
 * @param root which GGN
 * @param index its number among the groups
 * @param weights the name of the weights that combine its root's columns
 * @param gram the name of its Gram matrix
 * @param slopes the name of the inner products of the root with gradients
 * @param parameters D, how many numbers its parameters have
 */
record Group(
        NetworkPartial partial, GgnRoot root, int index, String weights, String gram, String slopes, long parameters) {

    /** What the results are called. */
    String name() {
        return String.valueOf(index);
    }

    /** How many rows the Gram matrix has: columns times samples. */
    long rows() {
        return partial.group(gram).shape().size(0);
    }

    /** How many eigenvalues it has that may differ from zero. */
    long count() {
        return Math.min(rows(), parameters);
    }

    /** What the columns' own GGN, of the batch's factor c, is multiplied by to be the average of the samples' own. */
    double scale() {
        return partial.meanNormaliser() / partial.normaliser() * partial.samples() / root.samples(partial.samples());
    }

    /** The eigenvalues of the GGN, ascending, the largest {@link #count} of them. */
    double[] eigenvalues() {
        double[] values = new double[(int) count()];
        partial.derived(gram, new GramEigenpairs.Values()).get(0).read(rows() - count(), values, 0, values.length);
        return scaled(values);
    }

    /**
     * The largest eigenpairs.
     *
     * @param wanted how many at least
     */
    Eigenpairs largest(long wanted) {
        long found = GramEigenpairs.areFew(wanted, rows()) ? wanted : rows();
        List<Tensor> pairs = partial.derived(gram, new GramEigenpairs(found));
        double[] ofGram = new double[(int) Math.min(found, count())];
        pairs.get(0).read(found - ofGram.length, ofGram, 0, ofGram.length);
        return new Eigenpairs(partial, ofGram, scaled(ofGram.clone()), pairs.get(1));
    }

    private double[] scaled(double[] values) {
        double scale = scale();
        for (int k = 0; k < values.length; k++) {
            values[k] *= scale;
        }
        return values;
    }
}
