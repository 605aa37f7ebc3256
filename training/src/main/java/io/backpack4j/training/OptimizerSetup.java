// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.training.data.Batches;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What an optimiser works on.
 *
 * @param backpack the library
 * @param model whose parameters are to be updated in place
 * @param parameters the names of those that are trained and not frozen, in the order of the network
 * @param pass how passes are split, and in which modes modules work: for passes and products of the optimiser's own
 * @param weightDecays of the parameters whose group names one; the optimiser's own for all others
 * @param batches what the run trains on, if it is known: to look at, not to read
 */
public record OptimizerSetup(
        BackPack backpack,
        Model model,
        PassOptions pass,
        List<String> parameters,
        Map<String, Double> weightDecays,
        Optional<Batches> batches) {

    public OptimizerSetup {
        parameters = List.copyOf(parameters);
        weightDecays = Map.copyOf(weightDecays);
    }

    /** With passes in one chunk, and modules in their own modes. */
    public OptimizerSetup(BackPack backpack, Model model, List<String> parameters, Map<String, Double> weightDecays) {
        this(backpack, model, PassOptions.DEFAULT, parameters, weightDecays, Optional.empty());
    }

    /** The arithmetic. */
    public Backend backend() {
        return backpack.backend();
    }

    /** The numbers of a parameter; writing to them changes the model. */
    public Tensor parameter(String name) {
        return model.parameters().get(name);
    }

    /** The weight decay of a parameter. */
    public double weightDecay(String parameter, double otherwise) {
        return weightDecays.getOrDefault(parameter, otherwise);
    }
}
