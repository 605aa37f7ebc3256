// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import com.google.auto.service.AutoService;
import io.backpack4j.modules.linear.loss.LossProviders;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.loss.LossProvider;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.ModuleProvider;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Brings the modules of this package and the losses. Arguments have PyTorch's names and defaults. */
@AutoService(Plugin.class)
public final class LinearPlugin implements Plugin {

    private static final String ID = "modules-linear";

    @Override
    public PluginDescriptor descriptor() {
        String version = LinearPlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<ModuleProvider> modules() {
        return List.of(
                ModuleProvider.of("Linear", LinearPlugin::linear),
                ModuleProvider.of("ReLU", arguments -> new ReLU()),
                ModuleProvider.of("LeakyReLU", arguments -> new LeakyReLU(arguments.number("negative_slope", 0.01))),
                ModuleProvider.of("ELU", arguments -> new ELU(arguments.number("alpha", 1))),
                ModuleProvider.of("SELU", arguments -> new SELU()),
                ModuleProvider.of("Sigmoid", arguments -> new Sigmoid()),
                ModuleProvider.of("Tanh", arguments -> new Tanh()),
                ModuleProvider.of("LogSigmoid", arguments -> new LogSigmoid()),
                ModuleProvider.of("GELU", arguments -> new GELU(arguments.word("approximate", "none", "none", "tanh"))),
                ModuleProvider.of("SiLU", arguments -> new SiLU()),
                ModuleProvider.of("Mish", arguments -> new Mish()),
                ModuleProvider.of("Softplus", LinearPlugin::softplus),
                ModuleProvider.of("Softsign", arguments -> new Softsign()),
                ModuleProvider.of("Hardtanh", LinearPlugin::hardtanh),
                ModuleProvider.of("Hardswish", arguments -> new Hardswish()),
                ModuleProvider.of("Hardsigmoid", arguments -> new Hardsigmoid()),
                ModuleProvider.of("ReLU6", arguments -> new ReLU6()),
                ModuleProvider.of("PReLU", LinearPlugin::prelu),
                ModuleProvider.of("GLU", arguments -> new GLU(arguments.integer("dim", -1))),
                ModuleProvider.of("Softmax", arguments -> new Softmax(axis(arguments))),
                ModuleProvider.of("LogSoftmax", arguments -> new LogSoftmax(axis(arguments))),
                ModuleProvider.of("Identity", LinearPlugin::identity),
                ModuleProvider.of("Flatten", LinearPlugin::flatten),
                ModuleProvider.of("Dropout", LinearPlugin::dropout),
                ModuleProvider.of(
                        "StochasticDepth", arguments -> new StochasticDepth(arguments.number("p"), mode(arguments))),
                ModuleProvider.of("Scale", arguments -> new Scale(arguments.number("weight"))),
                ModuleProvider.of("Sum", arguments -> new Sum()),
                ModuleProvider.of("Sub", arguments -> new Sub()),
                ModuleProvider.of("Mul", arguments -> new Mul()),
                ModuleProvider.of("Div", arguments -> new Div()),
                ModuleProvider.of(
                        "Affine", arguments -> new Affine(arguments.number("scale", 1), arguments.number("shift", 0))),
                ModuleProvider.of("Concat", arguments -> new Concat(arguments.integer("dim"))),
                ModuleProvider.of("Mean", arguments -> new Mean(arguments.integer("dim"))),
                ModuleProvider.of("Max", arguments -> new Max(arguments.integer("dim"))),
                ModuleProvider.of("MatMul", arguments -> new MatMul()),
                ModuleProvider.of("Reshape", arguments -> new Reshape(arguments.integers("shape"))),
                ModuleProvider.of("Parameter", arguments -> new Parameter(arguments.integers("shape"))),
                ModuleProvider.of("Permute", arguments -> new Permute(arguments.integers("dims"))),
                ModuleProvider.of("Slice", SliceArguments::read));
    }

    @Override
    public List<LossProvider> losses() {
        return LossProviders.all();
    }

    private static Linear linear(Arguments arguments) {
        return new Linear(
                arguments.integer("in_features"), arguments.integer("out_features"), arguments.flag("bias", true));
    }

    private static Softplus softplus(Arguments arguments) {
        return new Softplus(arguments.number("beta", 1), arguments.number("threshold", 20));
    }

    /** PyTorch's older names of the bounds are taken, too. */
    private static Hardtanh hardtanh(Arguments arguments) {
        return new Hardtanh(
                arguments.number("min_value", arguments.number("min_val", -1)),
                arguments.number("max_value", arguments.number("max_val", 1)));
    }

    private static PReLU prelu(Arguments arguments) {
        return new PReLU(arguments.integer("num_parameters", 1), arguments.number("init", 0.25));
    }

    private static @Nullable Long axis(Arguments arguments) {
        return arguments.has("dim") ? Long.valueOf(arguments.integer("dim")) : null;
    }

    /** Whatever is given is taken and means nothing, as in PyTorch, where an identity stands in for any module. */
    private static Identity identity(Arguments arguments) {
        arguments.unasked().forEach(arguments::value);
        return new Identity();
    }

    private static Flatten flatten(Arguments arguments) {
        return new Flatten(arguments.integer("start_dim", 1), arguments.integer("end_dim", -1));
    }

    private static Dropout dropout(Arguments arguments) {
        return new Dropout(arguments.number("p", 0.5), mode(arguments));
    }

    private static Mode mode(Arguments arguments) {
        return arguments.word("mode", "train", "train", "eval").equals("train") ? Mode.TRAIN : Mode.EVAL;
    }
}
