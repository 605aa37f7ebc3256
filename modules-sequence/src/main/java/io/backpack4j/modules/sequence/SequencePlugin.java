// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence;

import com.google.auto.service.AutoService;
import io.backpack4j.modules.sequence.attention.AttentionArguments;
import io.backpack4j.modules.sequence.embedding.EmbeddingProviders;
import io.backpack4j.modules.sequence.recurrent.RecurrentProviders;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.module.ModuleProvider;
import java.util.ArrayList;
import java.util.List;

/** Brings the modules of this package. Arguments have PyTorch's names and defaults. */
@AutoService(Plugin.class)
public final class SequencePlugin implements Plugin {

    private static final String ID = "modules-sequence";

    @Override
    public PluginDescriptor descriptor() {
        String version = SequencePlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<ModuleProvider> modules() {
        List<ModuleProvider> providers = new ArrayList<>();
        providers.addAll(EmbeddingProviders.all());
        providers.addAll(RecurrentProviders.all());
        providers.addAll(AttentionArguments.providers());
        return providers;
    }
}
