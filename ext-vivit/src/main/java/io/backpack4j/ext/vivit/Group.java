// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
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

    /** The eigenvalues of the Gram matrix as it is, ascending, the largest {@link #count} of them. */
    double[] gramEigenvalues() {
        double[] values = new double[(int) count()];
        eigenpairs().get(0).read(rows() - count(), values, 0, values.length);
        return values;
    }

    /** The eigenvalues of the GGN, ascending. */
    double[] eigenvalues() {
        double[] values = gramEigenvalues();
        double scale = scale();
        for (int k = 0; k < values.length; k++) {
            values[k] *= scale;
        }
        return values;
    }

    /**
     * Reads the eigenvector of the Gram matrix of an eigenvalue of that list, the first of its entries of largest
     * magnitude being positive.
     */
    void readVector(int k, double[] target) {
        Tensor vectors = eigenpairs().get(1);
        try (TensorScope scope = partial.backend().openScope()) {
            Region region = Region.all(vectors.shape()).with(1, rows() - count() + k, 1);
            Tensor column = scope.allocate(Shape.of(rows(), 1), vectors.dtype());
            partial.backend().indexing().extract(vectors, region, column);
            column.read(0, target, 0, target.length);
        }
        int largest = 0;
        for (int i = 1; i < target.length; i++) {
            if (Math.abs(target[i]) > Math.abs(target[largest])) {
                largest = i;
            }
        }
        if (target[largest] < 0) {
            for (int i = 0; i < target.length; i++) {
                target[i] = -target[i];
            }
        }
    }

    private List<Tensor> eigenpairs() {
        return partial.derived(gram, new GramEigenpairs());
    }
}
