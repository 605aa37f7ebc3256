// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

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
                ModuleProvider.of("LSTM", RecurrentProviders::lstm),
                ModuleProvider.of("GRU", RecurrentProviders::gru));
    }

    private static RNN rnn(Arguments arguments) {
        Common common = Common.read(arguments);
        return new RNN(
                common.inputSize,
                common.hiddenSize,
                common.numLayers,
                arguments.word("nonlinearity", "tanh", "tanh", "relu"),
                common.bias,
                common.dropout,
                common.bidirectional,
                common.lengths,
                common.mode);
    }

    private static LSTM lstm(Arguments arguments) {
        Common common = Common.read(arguments);
        return new LSTM(
                common.inputSize,
                common.hiddenSize,
                common.numLayers,
                common.bias,
                common.dropout,
                common.bidirectional,
                common.lengths,
                common.mode);
    }

    private static GRU gru(Arguments arguments) {
        Common common = Common.read(arguments);
        return new GRU(
                common.inputSize,
                common.hiddenSize,
                common.numLayers,
                common.bias,
                common.dropout,
                common.bidirectional,
                common.lengths,
                common.mode);
    }

    private record Common(
            long inputSize,
            long hiddenSize,
            long numLayers,
            boolean bias,
            double dropout,
            boolean bidirectional,
            boolean lengths,
            Mode mode) {

        static Common read(Arguments arguments) {
            if (!arguments.flag("batch_first", false)) {
                throw arguments.wrong(
                        "batch_first",
                        "true, because samples are the first axis of every tensor. Say so, and give sequences as [N, T, input_size]",
                        false);
            }
            if (arguments.integer("proj_size", 0) != 0) {
                throw arguments.wrong(
                        "proj_size",
                        "0, because projections of states are not supported. Put a Linear behind",
                        arguments.value("proj_size"));
            }
            boolean train = arguments.word("mode", "train", "train", "eval").equals("train");
            return new Common(
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
}
