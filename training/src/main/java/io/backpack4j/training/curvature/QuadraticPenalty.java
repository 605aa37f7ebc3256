// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.CurvatureBlock;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.SampledBatches;
import io.backpack4j.training.optimizer.Checks;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What it costs to leave the numbers that a task was learned with: λ/2 Σ_p (θ_p − θ*_p)ᵀ B_p (θ_p − θ*_p). With the
 * diagonal of the Gauss-Newton or Fisher matrix that is elastic weight consolidation (J. Kirkpatrick et al., 2017,
 * "Overcoming catastrophic forgetting in neural networks"), with Kronecker factors the penalty of H. Ritter, A.
 * Botev, D. Barber (2018), "Online structured Laplace approximations for overcoming catastrophic forgetting". The
 * penalty of several tasks is the sum of theirs; {@link Penalized} takes any number.
 *
 * <p>Owns copies of θ* and of the blocks, on the backend. Used by one thread at a time.
 */
public final class QuadraticPenalty implements AutoCloseable {

    /** θ* and B of a parameter. */
    private record Anchor(Tensor centre, CurvatureBlock block) {}

    private final Backend backend;
    private final double strength;
    private final TensorScope scope;
    private final Map<String, Anchor> anchors = new LinkedHashMap<>();

    private QuadraticPenalty(Backend backend, double strength) {
        Checks.atLeastZero("strength", strength);
        this.backend = backend;
        this.strength = strength;
        this.scope = backend.openScope();
    }

    /**
     * A penalty of given numbers.
     *
     * @param strength λ, at least 0
     * @param centres θ* by parameter, {@code *p}; copied
     * @param blocks B for each of these; copied
     * @throws BackpackException if one has no other
     */
    public static QuadraticPenalty of(
            Backend backend, double strength, Map<String, Tensor> centres, Map<String, CurvatureBlock> blocks) {
        if (!centres.keySet().equals(blocks.keySet())) {
            throw new BackpackException(
                    CommonProblems.UNKNOWN_PARAMETER,
                    "A penalty has centres of parameters %s, but curvature of %s. Give both of each."
                            .formatted(centres.keySet(), blocks.keySet()));
        }
        QuadraticPenalty penalty = new QuadraticPenalty(backend, strength);
        try {
            blocks.forEach((parameter, block) -> penalty.add(parameter, centres, block));
            return penalty;
        } catch (RuntimeException | Error e) {
            penalty.close();
            throw e;
        }
    }

    /**
     * A penalty for leaving the numbers that a model has now, with its curvature over a data set, modules being in
     * {@link Mode#EVAL}. The curvature is that of the loss as it is reduced: for a mean, λ = N penalises as much as N
     * samples did.
     *
     * @param curvature such as DiagGGNExact or KFLR
     * @param data stays the caller's, not needed afterwards
     * @param batch samples per pass; changes no number beyond rounding
     * @param strength λ, at least 0
     */
    public static <R> QuadraticPenalty fit(
            BackPack backpack,
            Model model,
            CurvatureExtension<R> curvature,
            DataSource data,
            int batch,
            double strength) {
        Checks.atLeastOne("batch", batch);
        SampledBatches batches = new SampledBatches(data, batch, false, false, 0);
        SessionOptions options = SessionOptions.DEFAULT.pass(PassOptions.DEFAULT.mode(Mode.EVAL));
        try (Session session = backpack.session(model, List.of(Request.of(curvature)), options)) {
            for (long number = 0; number < batches.perEpoch(); number++) {
                try (Batch samples = batches.read(1, number).upload(backpack, model.dtype())) {
                    session.add(samples);
                }
            }
            try (Results results = session.results()) {
                Map<String, Tensor> centres = new LinkedHashMap<>();
                Map<String, CurvatureBlock> blocks = new LinkedHashMap<>();
                for (String parameter : model.parameters().trainable()) {
                    var spec = model.parameters().spec(parameter);
                    var site =
                            new CurvatureExtension.Site(backpack.backend(), parameter, spec.shape(), spec.kronecker());
                    centres.put(parameter, model.parameters().get(parameter));
                    blocks.put(parameter, curvature.blockOf(site, curvature.export(results.get(curvature, parameter))));
                }
                return of(backpack.backend(), strength, centres, blocks);
            }
        }
    }

    private void add(String parameter, Map<String, Tensor> centres, CurvatureBlock block) {
        Tensor centre = centres.get(parameter);
        if (centre == null || !centre.shape().equals(block.parameter())) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "The curvature of parameter '%s' is for shape %s, but its centre has %s."
                            .formatted(parameter, block.parameter(), centre == null ? "none" : centre.shape()));
        }
        Tensor copy = scope.allocate(centre.shape(), centre.dtype());
        backend.elementwise().copy(centre, copy);
        anchors.put(parameter, new Anchor(copy, block.copy(scope)));
    }

    /** An equal penalty with tensors of its own. */
    QuadraticPenalty copy() {
        Map<String, Tensor> centres = new LinkedHashMap<>();
        Map<String, CurvatureBlock> blocks = new LinkedHashMap<>();
        anchors.forEach((parameter, anchor) -> {
            centres.put(parameter, anchor.centre());
            blocks.put(parameter, anchor.block());
        });
        return of(backend, strength, centres, blocks);
    }

    /** λ. */
    public double strength() {
        return strength;
    }

    /** The parameters that it holds. */
    public Set<String> parameters() {
        return Collections.unmodifiableSet(anchors.keySet());
    }

    /**
     * λ/2 (θ − θ*)ᵀ B (θ − θ*) of one parameter, 0 of one that it does not hold.
     *
     * @param value θ, {@code *p}
     */
    public double value(String parameter, Tensor value) {
        Anchor anchor = anchors.get(parameter);
        if (anchor == null) {
            return 0;
        }
        try (TensorScope temporary = backend.openScope()) {
            Tensor difference = difference(temporary, parameter, anchor, value);
            return strength / 2 * Dots.dot(backend, difference, anchor.block().multiply(temporary, difference));
        }
    }

    /**
     * Adds λB (θ − θ*) of one parameter; nothing of one that it does not hold.
     *
     * @param value θ, {@code *p}
     * @param factor by what it is multiplied before
     * @param sum added to, {@code *p}
     */
    public void addGradient(String parameter, Tensor value, double factor, Tensor sum) {
        Anchor anchor = anchors.get(parameter);
        if (anchor == null) {
            return;
        }
        try (TensorScope temporary = backend.openScope()) {
            Tensor product = anchor.block().multiply(temporary, difference(temporary, parameter, anchor, value));
            backend.elementwise().addScaled(factor * strength, temporary.view(product, sum.shape()), sum);
        }
    }

    private Tensor difference(TensorScope temporary, String parameter, Anchor anchor, Tensor value) {
        if (!value.shape().equals(anchor.centre().shape())) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "Parameter '%s' has shape %s, but the penalty's task had %s."
                            .formatted(parameter, value.shape(), anchor.centre().shape()));
        }
        Tensor difference = temporary.allocate(value.shape(), value.dtype());
        backend.elementwise().copy(value, difference);
        backend.elementwise().addScaled(-1, anchor.centre(), difference);
        return Gradients.asVector(temporary, difference);
    }

    /** All its tensors by names that are free of each other, for checkpoints. */
    Map<String, Tensor> tensors() {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        anchors.forEach((parameter, anchor) -> {
            tensors.put("centre/" + parameter, anchor.centre());
            anchor.block()
                    .tensors()
                    .forEach((name, tensor) -> tensors.put("block/" + parameter + "/tensor" + name, tensor));
        });
        return tensors;
    }

    /** What a checkpoint compares: strength and parameters. */
    @Override
    public String toString() {
        return "QuadraticPenalty[strength=%s, parameters=%s]".formatted(strength, anchors.keySet());
    }

    /** Returns the memory. */
    @Override
    public void close() {
        scope.close();
    }
}
