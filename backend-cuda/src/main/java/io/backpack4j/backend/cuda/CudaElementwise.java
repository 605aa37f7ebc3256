// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;

/** Element by element, a thread each. */
final class CudaElementwise implements Elementwise {

    private final CudaBackend backend;

    CudaElementwise(CudaBackend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void fill(Tensor destination, double value) {
        CudaTensor out = backend.own(destination);
        if (out.elements == 0) {
            return;
        }
        long bits = switch (out.dtype()) {
            case FLOAT32 -> Integer.toUnsignedLong(Float.floatToRawIntBits((float) value));
            case FLOAT64 -> Double.doubleToRawLongBits(value);
            case INT64 -> (long) value;
        };
        Operation operation = backend.operation("fill").writes(out);
        if (bits == 0) {
            operation.clear(out);
        } else {
            Arguments arguments =
                    new Arguments().tensor(out).number(out.elements).number(bits);
            operation.launch(KernelFile.ELEMENTWISE, sameSize(out), "fill", Grid.threads(out.elements), arguments);
        }
    }

    /** The floating type that is as long as the elements. */
    static DType sameSize(CudaTensor tensor) {
        return tensor.dtype() == DType.FLOAT32 ? DType.FLOAT32 : DType.FLOAT64;
    }

    @Override
    public void copy(Tensor source, Tensor destination) {
        CudaTensor in = backend.own(source);
        CudaTensor out = backend.own(destination);
        if (in.elements == 0 || in.address() == out.address()) {
            return;
        }
        Operation operation = backend.operation("copy").reads(in).writes(out);
        if (in.dtype() == out.dtype()) {
            operation.copy(in, out);
        } else {
            Arguments arguments = new Arguments()
                    .tensor(in)
                    .tensor(out)
                    .number(in.elements)
                    .number(in.dtype().ordinal())
                    .number(out.dtype().ordinal());
            operation.launch(KernelFile.ELEMENTWISE, DType.FLOAT64, "convert", Grid.threads(in.elements), arguments);
        }
    }

    @Override
    public void apply(UnaryOperation function, Tensor x, Tensor destination) {
        CudaTensor in = backend.own(x);
        CudaTensor out = backend.own(destination);
        each(
                function.toString(),
                "map",
                in,
                out,
                new Arguments().tensor(in).tensor(out).number(in.elements).number(function.ordinal()));
    }

    @Override
    public void combine(BinaryOperation function, Tensor a, Tensor b, Tensor destination) {
        CudaTensor left = backend.own(a);
        CudaTensor right = backend.own(b);
        CudaTensor out = backend.own(destination);
        if (out.elements == 0) {
            return;
        }
        StridedLoop loop = StridedLoop.of(
                out.shape().toArray(),
                StridedLoop.stretched(left.shape(), out.shape()),
                StridedLoop.stretched(right.shape(), out.shape()));
        Arguments arguments = new Arguments()
                .tensor(left)
                .tensor(right)
                .tensor(out)
                .number(out.elements)
                .number(function.ordinal())
                .number(loop.rank())
                .numbers(loop.sizes(), StridedLoop.MAX_RANK)
                .numbers(loop.first(), StridedLoop.MAX_RANK)
                .numbers(loop.second(), StridedLoop.MAX_RANK);
        backend.operation(function.toString())
                .reads(left, right)
                .writes(out)
                .launch(KernelFile.ELEMENTWISE, out.dtype(), "combine", Grid.threads(out.elements), arguments);
    }

    @Override
    public void affine(Tensor x, double scale, double offset, Tensor destination) {
        CudaTensor in = backend.own(x);
        CudaTensor out = backend.own(destination);
        Arguments arguments = new Arguments()
                .tensor(in)
                .tensor(out)
                .number(in.elements)
                .real(scale)
                .real(offset);
        each("affine", "affine", in, out, arguments);
    }

    @Override
    public void addScaled(double alpha, Tensor x, Tensor destination) {
        CudaTensor in = backend.own(x);
        CudaTensor out = backend.own(destination);
        Arguments arguments =
                new Arguments().tensor(in).tensor(out).number(in.elements).real(alpha);
        each("addScaled", "add_scaled", in, out, arguments);
    }

    private void each(String name, String kernel, CudaTensor in, CudaTensor out, Arguments arguments) {
        if (in.elements > 0) {
            backend.operation(name)
                    .reads(in)
                    .writes(out)
                    .launch(KernelFile.ELEMENTWISE, in.dtype(), kernel, Grid.threads(in.elements), arguments);
        }
    }

    @Override
    public void activation(Activation activation, int order, Tensor x, Tensor destination) {
        if (order < 0 || order > 2) {
            throw new BackpackException(
                    CommonProblems.INVALID_ORDER, "Derivatives of order 0, 1 and 2 exist, not of order " + order + ".");
        }
        CudaTensor in = backend.own(x);
        CudaTensor out = backend.own(destination);
        Arguments arguments = new Arguments()
                .tensor(in)
                .tensor(out)
                .number(in.elements)
                .number(activation.kind().ordinal())
                .number(order)
                .real(activation.parameter())
                .real(activation.second());
        each(activation.kind().toString(), "activate", in, out, arguments);
    }

    @Override
    public void activationPullback(Activation activation, Tensor saved, Tensor cotangents, Tensor destination) {
        pull(activation, 1, saved, cotangents, destination);
    }

    @Override
    public void activationCurvature(Activation activation, Tensor saved, Tensor cotangents, Tensor destination) {
        pull(activation, 2, saved, cotangents, destination);
    }

    private void pull(Activation activation, int order, Tensor saved, Tensor cotangents, Tensor destination) {
        CudaTensor kept = backend.own(saved);
        CudaTensor in = backend.own(cotangents);
        CudaTensor out = backend.own(destination);
        if (out.elements == 0) {
            return;
        }
        Arguments arguments = new Arguments()
                .tensor(kept)
                .tensor(in)
                .tensor(out)
                .number(out.elements)
                .number(kept.elements)
                .number(activation.kind().ordinal())
                .number(order)
                .number(activation.derivativeFromOutput() ? 1 : 0)
                .real(activation.parameter())
                .real(activation.second());
        backend.operation(activation.kind() + (order == 1 ? " pullback" : " curvature"))
                .reads(kept, in)
                .writes(out)
                .launch(KernelFile.ELEMENTWISE, out.dtype(), "pull", Grid.threads(out.elements), arguments);
    }
}
