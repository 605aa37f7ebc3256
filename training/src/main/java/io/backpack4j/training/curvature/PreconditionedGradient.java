// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.kernel.Catalog;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.extension.CurvatureBlock;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.extension.CurvatureMatrix.Projection;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.OptimizerStep;
import io.backpack4j.training.PassPreparation;
import io.backpack4j.training.State;
import io.backpack4j.training.optimizer.Checks;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Divides every gradient by the curvature of its own batch: θ ← θ − lr · (B + λI)⁻¹ (∇L + ηθ) with λ = damping + η,
 * parameter by parameter; F. Dangel, F. Kunstner, P. Hennig (2020), "BackPACK: Packing more into Backprop", section 4.
 * Kronecker factors are damped as (G + √λ/π I) ⊗ (A + π√λ I), one alone as G + λI.
 *
 * @param curvature whose blocks are B
 * @param lr the learning rate
 * @param damping what is added to the curvature beside the weight decay
 * @param weightDecay η
 * @param modify what becomes of negative curvature, which only the diagonal of the Hessian has; nothing if empty, and
 *     then a denominator that is not positive is an error
 */
public record PreconditionedGradient(
        CurvatureExtension<?> curvature, double lr, double damping, double weightDecay, Optional<Projection> modify)
        implements Optimizer {

    public PreconditionedGradient {
        Checks.atLeastZero("lr", lr);
        Checks.atLeastZero("damping", damping);
        Checks.atLeastZero("weight_decay", weightDecay);
    }

    /** Without weight decay, and with absolute values of negative curvature. */
    public PreconditionedGradient(CurvatureExtension<?> curvature, double lr, double damping) {
        this(curvature, lr, damping, 0, Optional.of(Projection.ABS));
    }

    static PreconditionedGradient of(Arguments options, Catalog catalog) {
        double lr = options.number("lr", 0.1);
        double damping = options.number("damping", 0.01);
        double weightDecay = options.number("weight_decay", 0);
        Optional<Projection> modify = switch (options.word("modify", "abs", "abs", "clip", "none")) {
            case "abs" -> Optional.of(Projection.ABS);
            case "clip" -> Optional.of(Projection.CLIP);
            default -> Optional.empty();
        };
        return new PreconditionedGradient(
                Options.curvature(options, catalog, "DiagGGNMC"), lr, damping, weightDecay, modify);
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = Options.arguments(curvature);
        arguments.put("lr", lr);
        arguments.put("damping", damping);
        arguments.put("weight_decay", weightDecay);
        arguments.put(
                "modify", modify.map(how -> how.name().toLowerCase(Locale.ROOT)).orElse("none"));
        return arguments;
    }

    @Override
    public double learningRate() {
        return lr;
    }

    @Override
    public OptimizerRun start(OptimizerSetup setup) {
        return new Run(this, setup, new CurvatureSource<>(setup, curvature));
    }

    private record Run(PreconditionedGradient options, OptimizerSetup setup, CurvatureSource<?> source)
            implements OptimizerRun {

        @Override
        public void prepare(PassPreparation pass) {
            source.request(pass);
        }

        @Override
        public void step(OptimizerStep step) {
            Gradients gradients = new Gradients(setup, options.weightDecay);
            try (TensorScope scope = setup.backend().openScope()) {
                // All before any: a parameter whose curvature allows no step leaves the model as it was.
                Map<String, Tensor> directions = new LinkedHashMap<>();
                for (String parameter : setup.parameters()) {
                    directions.put(parameter, source.at(parameter, () -> direction(scope, gradients, step, parameter)));
                }
                directions.forEach((parameter, direction) -> {
                    Tensor value = setup.parameter(parameter);
                    setup.backend()
                            .elementwise()
                            .addScaled(-step.learningRate(parameter), scope.view(direction, value.shape()), value);
                });
            }
        }

        private Tensor direction(TensorScope target, Gradients gradients, OptimizerStep step, String parameter) {
            try (TensorScope scope = setup.backend().openScope()) {
                CurvatureBlock block = source.block(step.results(), parameter);
                CurvatureBlock projected =
                        options.modify.map(how -> block.project(scope, how)).orElse(block);
                Tensor gradient = gradients.vector(scope, step, parameter);
                return projected.solve(target, gradient, options.damping + gradients.decay(parameter));
            }
        }

        /** Nothing is remembered: the next step depends on its own batch. */
        @Override
        public void save(State state) {}

        @Override
        public void load(State state) {}

        @Override
        public void close() {}
    }
}
