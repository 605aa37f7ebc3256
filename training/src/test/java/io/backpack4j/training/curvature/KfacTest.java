// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.OptimizerStep;
import io.backpack4j.training.State;
import io.backpack4j.training.Toys;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.TrainingListener;
import io.backpack4j.training.TrainingResult;
import io.backpack4j.training.TrainingStep;
import io.backpack4j.training.optimizer.SGD;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class KfacTest {

    private static final io.backpack4j.ext.secondorder.KFAC FACTORS = new io.backpack4j.ext.secondorder.KFAC(2);

    private static BackPack backpack;

    @BeforeAll
    static void open() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    /** The whole algorithm on plain arrays, fed with the gradients and factors that each pass computes. */
    private static final class Oracle implements TrainingListener {

        private static final double LR = 0.3;
        private static final double MOMENTUM = 0.8;
        private static final double DECAY = 0.01;
        private static final double DAMPING = 0.05;
        private static final double CONSTRAINT = 0.02;
        private static final int FACTORS_EVERY = 2;
        private static final int INVERSES_EVERY = 3;
        private static final int BURN_IN = 2;

        private final Map<String, double[][][]> averages = new HashMap<>();
        private final Map<String, double[][]> damped = new HashMap<>();
        private final Map<String, double[]> velocities = new HashMap<>();
        private final Map<String, double[]> expected = new TreeMap<>();
        private final List<Long> asked = new ArrayList<>();
        private double weight;
        private boolean constrained;

        @Override
        public void onTrainingBatch(TrainingStep step) {
            long update = step.number() - BURN_IN;
            boolean has = step.results().tensors().containsKey("0.weight/kfac/0");
            if (has) {
                asked.add(step.number());
                double kept = 0.95 * weight;
                weight = kept + 1;
                for (String name : step.training().parameters()) {
                    var now = step.results().get(FACTORS, name);
                    double[][][] factors = now.input().isPresent()
                            ? new double[][][] {
                                Dense.square(now.output().toDoubleArray()),
                                Dense.square(now.input().get().toDoubleArray())
                            }
                            : new double[][][] {Dense.square(now.output().toDoubleArray())};
                    double[][][] average = averages.computeIfAbsent(name, first -> factors);
                    for (int i = 0; i < factors.length; i++) {
                        average[i] = Dense.average(kept / weight, average[i], factors[i]);
                    }
                }
            }
            expected.clear();
            Map<String, double[]> directions = new HashMap<>();
            double squared = 0;
            for (String name : step.training().parameters()) {
                double[] value = step.training().model().parameters().get(name).toDoubleArray();
                expected.put(name, value);
                if (update < 0) {
                    continue;
                }
                double[][][] average = averages.get(name);
                if (update % INVERSES_EVERY == 0) {
                    damped.put(
                            name,
                            average.length == 2
                                    ? Dense.damped(average[0], average[1], DAMPING + DECAY)
                                    : Dense.damped(average[0], DAMPING + DECAY));
                }
                double[] gradient = step.results().gradient(name).toDoubleArray();
                for (int i = 0; i < value.length; i++) {
                    gradient[i] += DECAY * value[i];
                }
                double[] direction = Dense.solve(damped.get(name), gradient);
                squared += LR * LR * Dense.dot(gradient, direction);
                directions.put(name, direction);
            }
            double factor = Math.min(1, Math.sqrt(CONSTRAINT / squared));
            constrained |= factor < 1;
            directions.forEach((name, direction) -> {
                double[] velocity = velocities.computeIfAbsent(name, first -> new double[direction.length]);
                for (int i = 0; i < velocity.length; i++) {
                    velocity[i] = MOMENTUM * velocity[i] - factor * LR * direction[i];
                    expected.get(name)[i] += velocity[i];
                }
            });
        }

        @Override
        public void onStepped(TrainingStep step) {
            expected.forEach((name, value) -> assertThat(
                            step.training().model().parameters().get(name).toDoubleArray())
                    .as("%s after step %d", name, step.number())
                    .containsExactly(value, within(1e-8)));
        }
    }

    @Test
    void equalsTheAlgorithmOnPlainArraysAndAsksForFactorsOnlyWhenTheyAreDue() {
        Oracle oracle = new Oracle();
        KFAC optimizer = new KFAC(FACTORS, Oracle.LR, Oracle.DAMPING)
                .momentum(Oracle.MOMENTUM)
                .weightDecay(Oracle.DECAY)
                .periods(Oracle.FACTORS_EVERY, Oracle.INVERSES_EVERY, Oracle.BURN_IN)
                .normConstraint(Oracle.CONSTRAINT);
        try (Model model = Toys.classifier(backpack, DType.FLOAT64)) {
            Trainer.builder(backpack, model)
                    .optimizer(optimizer)
                    .epochs(3)
                    .batch(10)
                    .listener(oracle)
                    .build()
                    .fit(Toys.points(40, 3));
        }
        assertThat(oracle.asked).containsExactly(0L, 1L, 2L, 4L, 6L, 8L, 10L);
        assertThat(oracle.constrained).isTrue();
    }

    @Test
    void aRatioThatIsGoodOrBadMovesTheDamping() {
        DampingRun damping = new DampingRun(new Damping(1, true, 2, 0.5, 0.25, 0.75, 0.1, 8));
        assertThat(List.of(damping.isDue(0), damping.isDue(1), damping.isDue(2), damping.isDue(3)))
                .containsExactly(false, true, false, true);
        damping.follow(0.5);
        assertThat(damping.value()).isEqualTo(1);
        damping.follow(0.9);
        assertThat(damping.value()).isEqualTo(0.25);
        damping.follow(0.9);
        assertThat(damping.value()).as("the least").isEqualTo(0.1);
        damping.follow(0.1);
        assertThat(damping.value()).isEqualTo(0.4);
        damping.follow(Double.NaN);
        damping.follow(-1);
        damping.follow(-1);
        assertThat(damping.value()).as("the largest").isEqualTo(8);
    }

    /** The quadratic model of a quadratic loss is exact: ratios are 1, and the damping falls as often as it is due. */
    @Test
    void theDampingFallsWhereTheModelIsExact() {
        State state = new State();
        KFAC kfac = new KFAC(FACTORS, 0.05, 1).weightDecay(0.1).damping(Damping.adaptive(1));
        try (Model model = Toys.line(backpack, DType.FLOAT64)) {
            Trainer.builder(backpack, model)
                    .optimizer(new Observed(kfac, state))
                    .maxSteps(11)
                    .epochs(11)
                    .batch(8)
                    .build()
                    .fit(Lines.data(8));
        }
        assertThat(state.number("damping")).isCloseTo(Math.pow(0.9, 10), within(1e-12));
    }

    /** Saves what an optimiser remembers after every step. */
    private record Observed(Optimizer inner, State state) implements Optimizer {

        @Override
        public double learningRate() {
            return inner.learningRate();
        }

        @Override
        public OptimizerRun start(OptimizerSetup setup) {
            OptimizerRun run = inner.start(setup);
            return new OptimizerRun() {
                @Override
                public void prepare(io.backpack4j.training.PassPreparation pass) {
                    run.prepare(pass);
                }

                @Override
                public void step(OptimizerStep step) {
                    run.step(step);
                    // Tensors that are put in must be read at once: only numbers are, here.
                    run.save(state);
                }

                @Override
                public void save(State to) {
                    run.save(to);
                }

                @Override
                public void load(State from) {
                    run.load(from);
                }

                @Override
                public void close() {
                    run.close();
                }
            };
        }
    }

    /**
     * What a batch's model promises is what a step brings, weight decay included: the Hessian of a quadratic loss is
     * exact.
     */
    @Test
    void whatIsPromisedIsBroughtWhereTheLossIsQuadratic() {
        List<Double> differences = new ArrayList<>();
        Optimizer probe = new Optimizer() {
            @Override
            public double learningRate() {
                return 0.1;
            }

            @Override
            public OptimizerRun start(OptimizerSetup setup) {
                return new Probe(setup, differences);
            }
        };
        try (Model model = Toys.line(backpack, DType.FLOAT64)) {
            Trainer.builder(backpack, model).optimizer(probe).batch(8).build().fit(Lines.data(16));
        }
        assertThat(differences).hasSize(2).allMatch(difference -> Math.abs(difference) < 1e-12);
    }

    private record Probe(OptimizerSetup setup, List<Double> differences) implements OptimizerRun {

        @Override
        public void step(OptimizerStep step) {
            Gradients gradients = new Gradients(setup, 0.3);
            try (LocalModel model = LocalModel.open(setup, step, Matrix.GGN, gradients);
                    TensorScope scope = setup.backend().openScope()) {
                Tensor moved = model.perParameter(parameter -> 0.7);
                double before = penalty();
                double promised = model.promised(moved);
                double penalty = model.penalty(moved);
                model.layout()
                        .split(scope, moved)
                        .forEach((parameter, part) -> setup.backend()
                                .elementwise()
                                .addScaled(1, part, Gradients.asVector(scope, setup.parameter(parameter))));
                assertThat(penalty).isCloseTo(penalty() - before, within(1e-12));
                differences.add(model.lossChange() + penalty - promised);
            }
        }

        private double penalty() {
            double sum = 0;
            for (String parameter : setup.parameters()) {
                double[] value = setup.parameter(parameter).toDoubleArray();
                sum += 0.3 / 2 * Dense.dot(value, value);
            }
            return sum;
        }

        @Override
        public void save(State state) {}

        @Override
        public void load(State state) {}

        @Override
        public void close() {}
    }

    /**
     * Where inputs have scales of their own, factors make up for it. What real digits show is measured in {@code
     * bench/experiments}; three clean classes, all of one scale, are as easy for momentum.
     */
    @Test
    void badlyScaledInputsTakeAThirdOfTheStepsOfMomentum() {
        double momentum = Double.MAX_VALUE;
        for (double rate : new double[] {0.01, 0.03, 0.1, 0.3, 1, 3}) {
            momentum = Math.min(momentum, lossAfter(new SGD(rate, 0.9), 18));
        }
        KFAC kfac = new KFAC(FACTORS, 0.3, 0.01).momentum(0.5).periods(2, 4, 0);
        assertThat(lossAfter(kfac, 6)).isLessThan(momentum);
    }

    private static double lossAfter(Optimizer optimizer, int epochs) {
        try (Model model = Toys.classifier(backpack, DType.FLOAT32)) {
            TrainingResult result = Trainer.builder(backpack, model)
                    .optimizer(optimizer)
                    .epochs(epochs)
                    .batch(50)
                    .build()
                    .fit(Lines.scaledPoints(200));
            return result.last().get("train_loss");
        }
    }
}
