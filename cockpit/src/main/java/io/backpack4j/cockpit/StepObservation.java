// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.cockpit.quantity.Observation;
import io.backpack4j.cockpit.quantity.Sums;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.backend.Difference;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What is known of a step.
 *
 * @param reference the parameters of the first step
 * @param squares of gradients' norms, by parameter, once one was asked for: threads meet once for all
 * @param distances of parameters from their reference, squared, once one was asked for
 */
record StepObservation(
        BackPack backpack,
        Model model,
        Batch batch,
        long step,
        long seed,
        MeanScale scale,
        Results results,
        double[] losses,
        ParameterCopies reference,
        Map<String, Double> squares,
        Map<String, Double> distances,
        OptionalDouble rate,
        double time,
        Optional<Path> folder,
        TensorScope scope)
        implements Observation {

    static double[] losses(Results results, MeanScale scale) {
        double[] losses = results.lossPerSample().toDoubleArray();
        for (int n = 0; n < losses.length; n++) {
            losses[n] *= scale.ofLosses();
        }
        return losses;
    }

    @Override
    public long samples() {
        return batch.samples();
    }

    @Override
    public double loss() {
        return results.loss() * scale.ofBatch();
    }

    @Override
    public double sampleFactor() {
        return scale.ofSamples();
    }

    @Override
    public double batchFactor() {
        return scale.ofBatch();
    }

    @Override
    public Tensor gradient(String parameter) {
        return results.gradient(parameter);
    }

    @Override
    public double squaredGradient(String parameter) {
        if (squares.isEmpty()) {
            squares.putAll(Sums.squaredDistances(
                    backend(), model.parameters().trainable(), name -> Difference.ofZero(gradient(name))));
        }
        return Objects.requireNonNull(squares.get(parameter));
    }

    @Override
    public <R> R get(Extension<R> extension, String parameter) {
        return results.get(extension, parameter);
    }

    @Override
    public <W> W network(NetworkExtension<?, W> extension) {
        return results.network(extension);
    }

    @Override
    public Tensor parameter(String name) {
        return model.parameters().get(name);
    }

    @Override
    public Tensor reference(String name) {
        return reference.get(name);
    }

    @Override
    public double squaredDistance(String parameter) {
        if (distances.isEmpty()) {
            distances.putAll(Sums.squaredDistances(
                    backend(),
                    List.copyOf(reference.tensors().keySet()),
                    name -> new Difference(parameter(name), reference(name), null, null)));
        }
        return Objects.requireNonNull(distances.get(parameter));
    }
}
