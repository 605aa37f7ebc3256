// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.backend.Decompositions;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** Checks decompositions. */
record DryRunDecompositions(DryRunBackend backend) implements Decompositions {

    @Override
    public void symmetricEigen(Tensor a, Tensor values, Tensor vectors) {
        count(a, 9);
        TensorChecks.floating("symmetricEigen", a, values, vectors);
        square("symmetricEigen", a);
        TensorChecks.sameShape("symmetricEigen", a.shape().slice(0, a.shape().rank() - 1), values);
        TensorChecks.sameShape("symmetricEigen", a.shape(), vectors);
    }

    @Override
    public void symmetricEigenvalues(Tensor a, Tensor values) {
        TensorChecks.floating("symmetricEigenvalues", a, values);
        square("symmetricEigenvalues", a);
        TensorChecks.sameShape(
                "symmetricEigenvalues", a.shape().slice(0, a.shape().rank() - 1), values);
        Decompositions.super.symmetricEigenvalues(a, values);
    }

    @Override
    public void largestEigen(Tensor a, Tensor values, Tensor vectors) {
        TensorChecks.floating("largestEigen", a, values, vectors);
        square("largestEigen", a);
        long count = values.shape().size(-1);
        TensorChecks.require(
                count >= 1 && count <= a.shape().size(-1),
                "largestEigen",
                "needs 1 to %d eigenvalues, not %d".formatted(a.shape().size(-1), count));
        TensorChecks.sameShape(
                "largestEigen", a.shape().slice(0, a.shape().rank() - 1).with(-1, count), values);
        TensorChecks.sameShape("largestEigen", a.shape().with(-1, count), vectors);
        Decompositions.super.largestEigen(a, values, vectors);
    }

    @Override
    public void cholesky(Tensor a, Tensor destination) {
        count(a, 1 / 3.0);
        TensorChecks.floating("cholesky", a, destination);
        square("cholesky", a);
        TensorChecks.sameShape("cholesky", a.shape(), destination);
    }

    @Override
    public void choleskySolve(Tensor factor, Tensor right, Tensor destination) {
        count(factor, 2.0 * right.shape().size(-1) / Math.max(1, factor.shape().size(-1)));
        TensorChecks.floating("choleskySolve", factor, right, destination);
        square("choleskySolve", factor);
        TensorChecks.require(
                right.shape().rank() == factor.shape().rank(),
                "choleskySolve",
                "needs operands of one rank, not %s and %s".formatted(factor.shape(), right.shape()));
        TensorChecks.sameShape(
                "choleskySolve", factor.shape().with(-2, right.shape().size(-2)), right);
        TensorChecks.sameShape("choleskySolve", right.shape(), destination);
    }

    @Override
    public void choleskyInverse(Tensor factor, Tensor destination) {
        TensorChecks.floating("choleskyInverse", factor, destination);
        square("choleskyInverse", factor);
        TensorChecks.sameShape("choleskyInverse", factor.shape(), destination);
        Decompositions.super.choleskyInverse(factor, destination);
    }

    /** Adds some n³ operations of every matrix. */
    private void count(Tensor matrices, double cubes) {
        double n = matrices.shape().size(-1);
        backend.meter().add(WorkKind.DECOMPOSITION, cubes * n * matrices.shape().elements(), 1, matrices, matrices);
    }

    private static void square(String operation, Tensor a) {
        Shape shape = a.shape();
        TensorChecks.require(
                shape.rank() >= 2 && shape.size(-1) == shape.size(-2),
                operation,
                "needs square matrices, not " + shape);
    }
}
