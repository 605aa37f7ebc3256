// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.norm;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.module.ModuleProvider;
import java.util.ArrayList;
import java.util.List;

/** Brings the modules of this package. Arguments have PyTorch's names and defaults. */
@AutoService(Plugin.class)
public final class NormPlugin implements Plugin {

    private static final String ID = "modules-norm";
    private static final int MOST_AXES = 3;
    private static final double EPS = 1e-5;

    @Override
    public PluginDescriptor descriptor() {
        String version = NormPlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<ModuleProvider> modules() {
        List<ModuleProvider> providers = new ArrayList<>(List.of(
                ModuleProvider.of("LayerNorm", NormPlugin::layerNorm),
                ModuleProvider.of("RMSNorm", NormPlugin::rmsNorm),
                ModuleProvider.of("GroupNorm", NormPlugin::groupNorm)));
        for (int i = 1; i <= MOST_AXES; i++) {
            int axes = i;
            providers.add(ModuleProvider.of("InstanceNorm" + axes + "d", arguments -> instanceNorm(arguments, axes)));
        }
        return providers;
    }

    private static LayerNorm layerNorm(Arguments arguments) {
        return new LayerNorm(
                shape(arguments),
                arguments.number("eps", EPS),
                arguments.flag("elementwise_affine", true),
                arguments.flag("bias", true));
    }

    private static RMSNorm rmsNorm(Arguments arguments) {
        return new RMSNorm(
                shape(arguments),
                arguments.has("eps") ? Double.valueOf(arguments.number("eps")) : null,
                arguments.flag("elementwise_affine", true));
    }

    /** A whole number stands for one axis. */
    private static List<Long> shape(Arguments arguments) {
        return arguments.value("normalized_shape") instanceof List<?>
                ? arguments.integers("normalized_shape")
                : List.of(arguments.integer("normalized_shape"));
    }

    private static GroupNorm groupNorm(Arguments arguments) {
        return new GroupNorm(
                arguments.integer("num_groups"),
                arguments.integer("num_channels"),
                arguments.number("eps", EPS),
                arguments.flag("affine", true));
    }

    /** The momentum belongs to running statistics, so it is checked and changes nothing. */
    private static InstanceNorm instanceNorm(Arguments arguments, int axes) {
        if (arguments.flag("track_running_stats", false)) {
            throw arguments.wrong(
                    "track_running_stats", "false: an instance norm with running statistics is not supported", true);
        }
        if (arguments.has("momentum")) {
            arguments.number("momentum");
        }
        return new InstanceNorm(
                axes, arguments.integer("num_features"), arguments.number("eps", EPS), arguments.flag("affine", false));
    }
}
