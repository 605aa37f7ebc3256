// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.modules.sequence.BatchFirst;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.ModuleProvider;
import java.util.List;

/** Makes recurrent layers from arguments with PyTorch's names and defaults. */
public final class RecurrentProviders {

    private RecurrentProviders() {}

    /** Those of all types of this package. */
    public static List<ModuleProvider> all() {
        return List.of(
                ModuleProvider.of("RNN", RecurrentProviders::rnn),
                ModuleProvider.of("LSTM", arguments -> new LSTM(options(arguments))),
                ModuleProvider.of("GRU", arguments -> new GRU(options(arguments))));
    }

    private static RNN rnn(Arguments arguments) {
        return new RNN(options(arguments), arguments.word(RNN.NONLINEARITY, "tanh", "tanh", "relu"));
    }

    private static RecurrentOptions options(Arguments arguments) {
        BatchFirst.require(arguments);
        if (arguments.integer("proj_size", 0) != 0) {
            throw arguments.wrong(
                    "proj_size",
                    "0, because projections of states are not supported. Put a Linear behind",
                    arguments.value("proj_size"));
        }
        boolean train = arguments.word("mode", "train", "train", "eval").equals("train");
        return new RecurrentOptions(
                arguments.integer("input_size"),
                arguments.integer("hidden_size"),
                arguments.integer("num_layers", 1),
                arguments.flag("bias", true),
                arguments.number("dropout", 0),
                arguments.flag("bidirectional", false),
                arguments.flag("lengths", false),
                train ? Mode.TRAIN : Mode.EVAL);
    }
}
