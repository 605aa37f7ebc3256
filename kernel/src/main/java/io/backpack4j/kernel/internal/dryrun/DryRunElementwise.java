// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** Checks element-wise operations. */
record DryRunElementwise(DryRunBackend backend) implements Elementwise {

    @Override
    public void fill(Tensor destination, double value) {
        backend.meter().add(WorkKind.ELEMENTWISE, destination);
        TensorChecks.own(destination);
    }

    @Override
    public void copy(Tensor source, Tensor destination) {
        backend.meter().add(WorkKind.ELEMENTWISE, source, destination);
        TensorChecks.own(source);
        TensorChecks.own(destination);
        TensorChecks.sameShape("copy", source.shape(), destination);
    }

    @Override
    public void apply(UnaryOperation operation, Tensor x, Tensor destination) {
        backend.meter().add(kind(operation), x, destination);
        TensorChecks.floating(operation.name(), x, destination);
        TensorChecks.sameShape(operation.name(), x.shape(), destination);
    }

    @Override
    public void combine(BinaryOperation operation, Tensor a, Tensor b, Tensor destination) {
        backend.meter().add(WorkKind.ELEMENTWISE, a, b, destination);
        TensorChecks.floating(operation.name(), a, b, destination);
        TensorChecks.sameShape(operation.name(), stretched(operation, a.shape(), b.shape()), destination);
    }

    @Override
    public void affine(Tensor x, double scale, double offset, Tensor destination) {
        backend.meter().add(WorkKind.ELEMENTWISE, x, destination);
        TensorChecks.floating("affine", x, destination);
        TensorChecks.sameShape("affine", x.shape(), destination);
    }

    @Override
    public void addScaled(double alpha, Tensor x, Tensor destination) {
        backend.meter().add(WorkKind.ELEMENTWISE, x, destination);
        TensorChecks.floating("addScaled", x, destination);
        TensorChecks.sameShape("addScaled", x.shape(), destination);
    }

    @Override
    public void activation(Activation activation, int order, Tensor x, Tensor destination) {
        backend.meter().add(kind(activation), x, destination);
        TensorChecks.floating(activation.kind().name(), x, destination);
        TensorChecks.sameShape(activation.kind().name(), x.shape(), destination);
    }

    @Override
    public void activationPullback(Activation activation, Tensor saved, Tensor cotangents, Tensor destination) {
        backend.meter().add(kind(activation), saved, cotangents, destination);
        String name = activation.kind().name();
        TensorChecks.floating(name, saved, cotangents, destination);
        TensorChecks.require(cotangents.shape().rank() > 0, name, "needs cotangents with a column axis");
        TensorChecks.sameShape(name, cotangents.shape().dropFirst(1), saved);
        TensorChecks.sameShape(name, cotangents.shape(), destination);
    }

    private static WorkKind kind(UnaryOperation operation) {
        return switch (operation) {
            case EXP, LOG, LOG1P, EXPM1, TANH -> WorkKind.FUNCTION;
            default -> WorkKind.ELEMENTWISE;
        };
    }

    private static WorkKind kind(Activation activation) {
        return switch (activation.kind()) {
            case RELU, LEAKY_RELU, HARDTANH, HARDSIGMOID, HARDSWISH, SOFTSIGN -> WorkKind.ELEMENTWISE;
            case GELU, GELU_TANH, SILU, MISH, SOFTPLUS -> WorkKind.GATE;
            default -> WorkKind.FUNCTION;
        };
    }

    private static Shape stretched(BinaryOperation operation, Shape a, Shape b) {
        int rank = Math.max(a.rank(), b.rank());
        long[] sizes = new long[rank];
        for (int axis = 1; axis <= rank; axis++) {
            long left = axis <= a.rank() ? a.size(-axis) : 1;
            long right = axis <= b.rank() ? b.size(-axis) : 1;
            TensorChecks.require(
                    left == right || left == 1 || right == 1,
                    operation.name(),
                    "cannot align shapes " + a + " and " + b);
            sizes[rank - axis] = left == 1 ? right : left;
        }
        return Shape.of(sizes);
    }
}
