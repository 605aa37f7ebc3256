// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import io.backpack4j.kernel.Request;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.OptimizerStep;
import io.backpack4j.training.PassPreparation;
import io.backpack4j.training.State;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@link DpSgd} at work on a model. */
final class DpSgdRun implements OptimizerRun {

    private static final double SAME = 1e-6;

    private final DpSgd options;
    private final OptimizerSetup setup;
    private final OptimizerRun inner;
    private final Optional<PoissonBatches> sampling;
    private final PrivacyLedger ledger;
    private final Optional<PrivacyAudit> audit;
    private final Optional<Noise> secure;
    private final List<String> groups;
    private final double[] bounds;
    private @Nullable TensorScope operands;
    private @Nullable PrivateSum request;
    private double weight = Double.NaN;

    DpSgdRun(DpSgd options, OptimizerSetup setup) {
        this.options = options;
        this.setup = setup;
        this.sampling = setup.batches().filter(PoissonBatches.class::isInstance).map(PoissonBatches.class::cast);
        double rate = sampling.map(PoissonBatches::rate).orElse(1.0);
        this.ledger = new PrivacyLedger(options.budget(), options.noiseMultiplier(), rate);
        this.groups =
                List.copyOf(options.clip().groups().members(setup.parameters()).keySet());
        this.bounds = new double[groups.size()];
        Arrays.fill(bounds, options.clip().maxNorm());
        this.secure = options.secure() ? Optional.of(new Noise.Secure()) : Optional.empty();
        this.inner = options.optimizer().start(setup);
        this.audit = options.audit().map(file -> PrivacyAudit.open(file, options.budget()));
    }

    @Override
    public Optional<String> stopReason() {
        return ledger.allowsAnother()
                ? Optional.empty()
                : Optional.of("the privacy budget ε = %s at δ = %s allows no further step"
                        .formatted(
                                options.budget().epsilon().orElseThrow(),
                                options.budget().delta()));
    }

    @Override
    public Map<String, Double> values() {
        return options.noiseMultiplier() == 0 ? Map.of() : Map.of("epsilon", ledger.epsilon());
    }

    @Override
    public void prepare(PassPreparation pass) {
        releaseOperands();
        TensorScope scope = setup.backend().openScope();
        operands = scope;
        long[] ids = pass.batch().sampleIds();
        Optional<PrivacyUnits> units = sampling.flatMap(PoissonBatches::units);
        PrivateSum sum =
                new PrivateSum(ids.length, groups.size(), options.clip().groups(), units.isPresent());
        request = sum;
        pass.request(Request.of(sum).only(setup.parameters().toArray(String[]::new)));
        Shape samples = Shape.of(ids.length);
        bring(pass, PrivateSum.BOUNDS, Shape.of(bounds.length), bounds);
        bring(
                pass,
                PrivateSum.COUNTED,
                samples,
                Arrays.stream(ids).mapToDouble(id -> id < 0 ? 0 : 1).toArray());
        units.ifPresent(
                known -> bring(pass, PrivateSum.BELONGS, Shape.of(ids.length, ids.length), belongs(known, ids)));
    }

    private void bring(PassPreparation pass, String name, Shape shape, double[] values) {
        TensorScope scope = Objects.requireNonNull(operands);
        pass.operand(
                name,
                Operand.NETWORK,
                setup.backend().upload(scope, shape, setup.model().dtype(), values));
    }

    private static double[] belongs(PrivacyUnits units, long[] ids) {
        double[] same = new double[ids.length * ids.length];
        for (int n = 0; n < ids.length; n++) {
            for (int m = 0; m < ids.length; m++) {
                boolean together = (ids[n] < 0 || ids[m] < 0) ? n == m : units.of(ids[n]) == units.of(ids[m]);
                same[n * ids.length + m] = together ? 1 : 0;
            }
        }
        return same;
    }

    @Override
    public void step(OptimizerStep step) {
        PrivateSum sum = Objects.requireNonNull(request);
        PrivateSum.Norms norms = step.results().network(sum);
        requireSameWeight(norms);
        long[] ids = step.batch().sampleIds();
        Noise noise = secure.orElseGet(() -> new Noise.Seeded(step.seed()));
        try (TensorScope scope = setup.backend().openScope()) {
            Map<String, Tensor> noisy = noisy(scope, step, sum, norms, noise);
            inner.step(new OptimizerStep(
                    step.number(), step.batch(), step.results(), step.seed(), noisy, step.rates(), step.momentum()));
        }
        ledger.add();
        audit.ifPresent(file -> file.add(
                step.number(),
                options.noiseMultiplier(),
                sampling.map(PoissonBatches::rate).orElse(1.0),
                bounds));
        options.clip().adaptive().ifPresent(adaptive -> adapt(adaptive, norms, ids, noise, step.number()));
        releaseOperands();
    }

    private Map<String, Tensor> noisy(
            TensorScope scope, OptimizerStep step, PrivateSum sum, PrivateSum.Norms norms, Noise noise) {
        Backend backend = setup.backend();
        double deviation = noiseOfGradients()
                * Math.sqrt(Arrays.stream(bounds).map(b -> b * b).sum());
        double scale = norms.mean() ? 1 / expectedSamples(step.batch().samples()) : 1;
        Map<String, Tensor> noisy = new LinkedHashMap<>();
        int index = 0;
        for (String parameter : setup.parameters()) {
            Shape shape = setup.parameter(parameter).shape();
            Tensor gradient = scope.allocate(shape, setup.model().dtype());
            if (options.clip().groups().of(parameter).isPresent()) {
                backend.elementwise().copy(step.results().get(sum, parameter), gradient);
            } else {
                backend.elementwise().fill(gradient, 0);
            }
            if (deviation > 0) {
                noise.add(backend, deviation, step.number(), index, gradient);
            }
            backend.elementwise().affine(gradient, scale, 0, gradient);
            noisy.put(parameter, gradient);
            index++;
        }
        return noisy;
    }

    private double noiseOfGradients() {
        double multiplier = options.noiseMultiplier();
        return multiplier == 0
                ? 0
                : options.clip()
                        .adaptive()
                        .map(adaptive -> adaptive.noiseOfGradients(multiplier))
                        .orElse(multiplier);
    }

    private double expectedSamples(long drawn) {
        return sampling.map(PoissonBatches::expectedSamples).orElse((double) drawn);
    }

    /** A mean over something else than samples, such as weights of the classes drawn, would tie samples together. */
    private void requireSameWeight(PrivateSum.Norms norms) {
        if (!norms.mean()) {
            return;
        }
        if (Double.isNaN(weight)) {
            weight = norms.weight();
        }
        if (Math.abs(weight - norms.weight()) > SAME * Math.abs(weight)) {
            throw new BackpackException(
                    PrivacyProblems.MIXED_SAMPLES,
                    "The loss's mean weighs a sample by what others of its batch are: %s at first, %s now. Take reduction=sum."
                            .formatted(weight, norms.weight()));
        }
    }

    private void adapt(AdaptiveClipping adaptive, PrivateSum.Norms norms, long[] ids, Noise noise, long step) {
        double[] values = norms.perGroup().values().iterator().next().toDoubleArray();
        Set<Object> unclipped = new HashSet<>();
        Optional<PrivacyUnits> units = sampling.flatMap(PoissonBatches::units);
        for (int n = 0; n < values.length; n++) {
            if (ids[n] >= 0 && values[n] <= bounds[0]) {
                unclipped.add(units.isPresent() ? (Object) units.get().of(ids[n]) : (Object) ids[n]);
            }
        }
        double count = unclipped.size();
        if (options.noiseMultiplier() > 0) {
            count += adaptive.countNoise() * noise.next(step);
        }
        bounds[0] = adaptive.next(bounds[0], count / expectedSamples(ids.length));
    }

    private void releaseOperands() {
        if (operands != null) {
            operands.close();
            operands = null;
        }
    }

    @Override
    public void save(State state) {
        inner.save(state.at("inner"));
        ledger.save(state.at("privacy"));
        state.put("bounds", bounds);
        state.put("weight", weight);
    }

    @Override
    public void load(State state) {
        inner.load(state.at("inner"));
        ledger.load(state.at("privacy"));
        System.arraycopy(state.numbers("bounds"), 0, bounds, 0, bounds.length);
        weight = state.number("weight");
    }

    @Override
    public void close() {
        releaseOperands();
        inner.close();
    }
}
