// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Results;
import io.backpack4j.operators.CurvatureOperator;
import io.backpack4j.operators.GgnOperator;
import io.backpack4j.operators.HessianOperator;
import io.backpack4j.operators.LinearOperator;
import io.backpack4j.operators.Objective;
import io.backpack4j.operators.ParameterLayout;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.OptimizerStep;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * What a batch says of a step s before it is taken: h(θ + s) ≈ h(θ) + (∇L + ηθ)ᵀs + ½ sᵀ(B + ηI)s, h being the loss
 * with ½ Σ η θ² and B the matrix of the same batch; and what the step brought after it was. Vectors are {@code [1, P]}.
 * Parameters must not change between {@link #open} and the last product.
 */
final class LocalModel implements AutoCloseable {

    /** Losses of a batch differ by so many units of the last digit from rounding alone. */
    private static final double ROUNDING = 64;

    private final OptimizerSetup setup;
    private final OptimizerStep step;
    private final Backend backend;
    private final CurvatureOperator matrix;
    private final TensorScope scope;
    private final Tensor decays;
    private final Tensor gradient;
    private final boolean decayed;

    private LocalModel(OptimizerSetup setup, OptimizerStep step, CurvatureOperator matrix, Gradients gradients) {
        this.setup = setup;
        this.step = step;
        this.backend = setup.backend();
        this.matrix = matrix;
        this.scope = backend.openScope();
        this.decayed = setup.parameters().stream().anyMatch(parameter -> gradients.decay(parameter) != 0);
        this.decays = vector();
        this.gradient = vector();
    }

    private void read(Gradients gradients) {
        try (TensorScope temporary = backend.openScope()) {
            join(temporary, step.results()::gradient, gradient);
            join(temporary, perParameter(temporary, gradients::decay), decays);
            if (decayed) {
                Tensor penalty = temporary.allocate(gradient.shape(), gradient.dtype());
                join(temporary, setup::parameter, penalty);
                backend.elementwise().combine(BinaryOperation.MULTIPLY, penalty, decays, penalty);
                backend.elementwise().addScaled(1, penalty, gradient);
            }
        }
    }

    /** The model of the batch of a step, with the generalised Gauss-Newton matrix or the Hessian. */
    static LocalModel open(OptimizerSetup setup, OptimizerStep step, Matrix matrix, Gradients gradients) {
        Objective objective = Objective.of(setup.backpack(), setup.model(), step.batch())
                .only(setup.parameters().toArray(String[]::new))
                .options(setup.pass())
                .seed(step.seed());
        CurvatureOperator operator =
                matrix == Matrix.GGN ? GgnOperator.exact(objective) : HessianOperator.of(objective);
        LocalModel model = new LocalModel(setup, step, operator, gradients);
        try {
            model.read(gradients);
            return model;
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    ParameterLayout layout() {
        return matrix.layout();
    }

    /** ∇L + ηθ, not clipped. */
    Tensor gradient() {
        return gradient;
    }

    /** B + ηI. */
    LinearOperator curvature() {
        return decayed ? new Decayed(matrix, decays) : matrix;
    }

    /** h(θ + s) − h(θ) by the model. */
    double promised(Tensor s) {
        try (TensorScope temporary = backend.openScope()) {
            Tensor product = temporary.allocate(s.shape(), s.dtype());
            curvature().multiply(s, product);
            return dot(gradient, s) + dot(s, product) / 2;
        }
    }

    /** (ηθ)ᵀs + ½ η sᵀs: the part of what is promised that is exact. */
    double penalty(Tensor s) {
        if (!decayed) {
            return 0;
        }
        try (TensorScope temporary = backend.openScope()) {
            Tensor work = temporary.allocate(s.shape(), s.dtype());
            join(temporary, setup::parameter, work);
            backend.elementwise().addScaled(0.5, s, work);
            backend.elementwise().combine(BinaryOperation.MULTIPLY, work, decays, work);
            return dot(work, s);
        }
    }

    /** L now, after parameters changed, less L at the step's pass: the same batch, draws and modes. */
    double lossChange() {
        PassOptions options = setup.pass().updateBuffers(false).nan(NanPolicy.IGNORE);
        var plan = setup.backpack().plan(setup.model(), step.batch(), List.of(), options);
        try (Results results = plan.run(step.batch(), step.seed())) {
            return results.loss() - step.results().loss();
        }
    }

    /** Whether a change of the loss is no more than what rounding makes. */
    boolean isRounding(double change) {
        double epsilon = matrix.dtype() == DType.FLOAT32 ? Math.ulp(1f) : Math.ulp(1.0);
        return Math.abs(change) <= ROUNDING * epsilon * Math.abs(step.results().loss());
    }

    /** A vector that is a number for each parameter. */
    Tensor perParameter(ToDoubleFunction<String> number) {
        Tensor destination = vector();
        try (TensorScope temporary = backend.openScope()) {
            join(temporary, perParameter(temporary, number), destination);
        }
        return destination;
    }

    /** Puts parameters, {@code *p} each, into a vector. */
    void join(TensorScope temporary, Function<String, Tensor> parts, Tensor destination) {
        Map<String, Tensor> joined = new LinkedHashMap<>();
        for (String parameter : layout().names()) {
            joined.put(parameter, Gradients.asVector(temporary, parts.apply(parameter)));
        }
        layout().join(joined, destination);
    }

    private Function<String, Tensor> perParameter(TensorScope temporary, ToDoubleFunction<String> number) {
        return parameter -> {
            Tensor filled = temporary.allocate(setup.parameter(parameter).shape(), matrix.dtype());
            backend.elementwise().fill(filled, number.applyAsDouble(parameter));
            return filled;
        };
    }

    private Tensor vector() {
        return scope.allocate(Shape.of(1, layout().size()), matrix.dtype());
    }

    private double dot(Tensor a, Tensor b) {
        return Dots.dot(backend, a, b);
    }

    @Override
    public void close() {
        scope.close();
        matrix.close();
    }

    /** The matrix and a diagonal. */
    private record Decayed(LinearOperator matrix, Tensor decays) implements LinearOperator {

        @Override
        public long rows() {
            return matrix.rows();
        }

        @Override
        public long columns() {
            return matrix.columns();
        }

        @Override
        public DType dtype() {
            return matrix.dtype();
        }

        @Override
        public Backend backend() {
            return matrix.backend();
        }

        @Override
        public void multiply(Tensor x, Tensor destination) {
            matrix.multiply(x, destination);
            try (TensorScope scope = backend().openScope()) {
                Tensor decayed = scope.allocate(x.shape(), x.dtype());
                backend().elementwise().combine(BinaryOperation.MULTIPLY, x, decays, decayed);
                backend().elementwise().addScaled(1, decayed, destination);
            }
        }
    }
}
