// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.module.Fusion;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.ModuleProvider;
import java.util.ArrayList;
import java.util.List;

/**
 * Brings the modules of this package. Arguments have PyTorch's names and defaults; a single integer stands for every
 * spatial axis.
 */
@AutoService(Plugin.class)
public final class ConvPlugin implements Plugin {

    private static final String ID = "modules-conv";
    private static final int MOST_AXES = 3;

    @Override
    public PluginDescriptor descriptor() {
        String version = ConvPlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<ModuleProvider> modules() {
        List<ModuleProvider> providers = new ArrayList<>();
        for (int axes = 1; axes <= MOST_AXES; axes++) {
            addFamilies(axes, axes + "d", providers);
        }
        providers.add(ModuleProvider.of("Pad", PadArguments::pad));
        providers.add(ModuleProvider.of("Upsample", UpsampleArguments::read));
        return providers;
    }

    @Override
    public List<Fusion> fusions() {
        return List.of(RectifiedMaxPool::fuse);
    }

    private static void addFamilies(int axes, String suffix, List<ModuleProvider> providers) {
        providers.addAll(List.of(
                ModuleProvider.of("Conv" + suffix, arguments -> ConvArguments.conv(arguments, axes)),
                ModuleProvider.of("ConvTranspose" + suffix, arguments -> ConvArguments.convTranspose(arguments, axes)),
                ModuleProvider.of("MaxPool" + suffix, arguments -> PoolArguments.maxPool(arguments, axes)),
                ModuleProvider.of("AvgPool" + suffix, arguments -> PoolArguments.avgPool(arguments, axes)),
                ModuleProvider.of(
                        "AdaptiveMaxPool" + suffix,
                        arguments -> new AdaptiveMaxPool(PoolArguments.outputSize(arguments, axes))),
                ModuleProvider.of(
                        "AdaptiveAvgPool" + suffix,
                        arguments -> new AdaptiveAvgPool(PoolArguments.outputSize(arguments, axes))),
                ModuleProvider.of(
                        "ZeroPad" + suffix, arguments -> PadArguments.fixed("ZeroPad" + suffix, arguments, axes, 0)),
                ModuleProvider.of(
                        "ConstantPad" + suffix,
                        arguments ->
                                PadArguments.fixed("ConstantPad" + suffix, arguments, axes, arguments.number("value"))),
                ModuleProvider.of("BatchNorm" + suffix, arguments -> batchNorm(arguments, axes))));
    }

    private static BatchNorm batchNorm(Arguments arguments, int axes) {
        boolean train = arguments.word("mode", "train", "train", "eval").equals("train");
        return new BatchNorm(
                axes,
                arguments.integer("num_features"),
                arguments.number("eps", 1e-5),
                arguments.isNull("momentum") ? null : arguments.number("momentum", 0.1),
                arguments.flag("affine", true),
                arguments.flag("track_running_stats", true),
                train ? Mode.TRAIN : Mode.EVAL);
    }
}
