// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.extension.ExtensionProvider;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;

/** Offers an extension with operands of the run. It is a plugin only where {@link #pack} put it. */
public final class DirectionPlugin implements Plugin {

    @Override
    public PluginDescriptor descriptor() {
        return new PluginDescriptor("directions", "1", SpiVersion.MAJOR);
    }

    @Override
    public List<ExtensionProvider> extensions() {
        return List.of(ExtensionProvider.of("Slopes", options -> new Slopes()));
    }

    /** s ⟨u, ∇ℓ_n⟩ for a direction u and a scale s that the run brings, {@code [1, N]}. */
    public record Slopes() implements TensorExtension {

        @Override
        public String resultName() {
            return "slopes";
        }

        @Override
        public Map<String, Shape> networkOperands() {
            return Map.of("scale", Shape.of());
        }

        @Override
        public void declare(int stage, SiteDeclaration site) {
            Operand direction = site.operand("direction", site.shape().prepend(1));
            site.accumulate("slopes", new LossGradient(), new Contraction.Dot(direction, 1));
        }

        @Override
        public Tensor finish(SitePartial partial) {
            Tensor slopes = partial.tensor("slopes");
            Tensor scaled = partial.scope().allocate(slopes.shape(), slopes.dtype());
            double scale = partial.operand("scale").item();
            partial.backend().elementwise().affine(slopes, scale, 0, scaled);
            return scaled;
        }
    }

    /** Packs it into a jar in a directory. */
    static Path pack(Path directory) {
        try {
            Files.createDirectories(directory);
            Path packed = directory.resolve("directions.jar");
            try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(packed))) {
                jar.putNextEntry(new JarEntry("META-INF/services/" + Plugin.class.getName()));
                jar.write(DirectionPlugin.class.getName().getBytes(StandardCharsets.UTF_8));
                jar.closeEntry();
                for (Class<?> type : List.of(DirectionPlugin.class, Slopes.class)) {
                    String name = type.getName().replace('.', '/') + ".class";
                    jar.putNextEntry(new JarEntry(name));
                    try (InputStream bytes =
                            Objects.requireNonNull(DirectionPlugin.class.getResourceAsStream("/" + name))) {
                        bytes.transferTo(jar);
                    }
                    jar.closeEntry();
                }
            }
            return packed;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
