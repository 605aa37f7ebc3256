// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Products;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** Matrix products in three loops. */
final class HeapProducts implements Products {

    private final HeapBackend backend;

    HeapProducts(HeapBackend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void multiply(
            Tensor a, boolean transposeA, Tensor b, boolean transposeB, double alpha, double beta, Tensor destination) {
        HeapTensor left = backend.own(a);
        HeapTensor right = backend.own(b);
        HeapTensor out = backend.own(destination);
        int rank = out.shape().rank();
        HeapChecks.require(
                rank >= 2 && left.shape().rank() == rank && right.shape().rank() == rank,
                "Ranks of %s, %s and %s differ or are below 2",
                left,
                right,
                out);
        int m = (int) out.shape().size(-2);
        int n = (int) out.shape().size(-1);
        int k = (int) left.shape().size(transposeA ? -2 : -1);
        Shape batch =
                Positions.common(left.shape().slice(0, rank - 2), right.shape().slice(0, rank - 2));
        HeapChecks.floating(out, left, right);
        HeapChecks.shape(out, batch.append(m, n));
        HeapChecks.shape(left, left.shape().slice(0, rank - 2).append(transposeA ? k : m, transposeA ? m : k));
        HeapChecks.shape(right, right.shape().slice(0, rank - 2).append(transposeB ? n : k, transposeB ? k : n));
        HeapChecks.apart(out, left, right);
        for (int batchPosition = 0; batchPosition < batch.elements(); batchPosition++) {
            int[] indices = Positions.indices(batch, batchPosition);
            int leftStart = Positions.stretched(left.shape().slice(0, rank - 2), indices) * m * k;
            int rightStart = Positions.stretched(right.shape().slice(0, rank - 2), indices) * k * n;
            for (int row = 0; row < m; row++) {
                for (int column = 0; column < n; column++) {
                    double sum = 0;
                    for (int inner = 0; inner < k; inner++) {
                        double x = left.get(leftStart + (transposeA ? inner * m + row : row * k + inner));
                        double y = right.get(rightStart + (transposeB ? column * k + inner : inner * n + column));
                        sum += x * y;
                    }
                    int target = (batchPosition * m + row) * n + column;
                    double old = beta == 0 ? 0 : beta * out.get(target);
                    out.set(target, alpha * sum + old);
                }
            }
        }
    }

    @Override
    public void addGram(Tensor x, boolean positionsFirst, boolean summed, double scale, Tensor destination) {
        HeapTensor in = backend.own(x);
        HeapTensor out = backend.own(destination);
        HeapChecks.require(in.shape().rank() == 4, "%s is no batch of groups of vectors", in);
        int batch = (int) in.shape().size(0);
        int groups = (int) in.shape().size(1);
        int positions = (int) in.shape().size(positionsFirst ? 2 : 3);
        int length = (int) in.shape().size(positionsFirst ? 3 : 2);
        HeapChecks.floating(out, in);
        HeapChecks.shape(out, Shape.of(groups, length, length));
        HeapChecks.apart(out, in);
        for (int group = 0; group < groups; group++) {
            double[][] vectors = new double[summed ? batch : batch * positions][length];
            for (int b = 0; b < batch; b++) {
                int start = (b * groups + group) * positions * length;
                for (int s = 0; s < positions; s++) {
                    for (int i = 0; i < length; i++) {
                        double element = in.get(start + (positionsFirst ? s * length + i : i * positions + s));
                        vectors[summed ? b : b * positions + s][i] += element;
                    }
                }
            }
            addProducts(vectors, scale, out, group * length * length);
        }
    }

    private static void addProducts(double[][] vectors, double scale, HeapTensor out, int start) {
        int length = (int) out.shape().size(-1);
        for (int i = 0; i < length; i++) {
            for (int j = 0; j < length; j++) {
                double sum = 0;
                for (double[] vector : vectors) {
                    sum += vector[i] * vector[j];
                }
                int target = start + i * length + j;
                out.set(target, out.get(target) + scale * sum);
            }
        }
    }
}
