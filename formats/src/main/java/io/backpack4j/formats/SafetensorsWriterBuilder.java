// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Declares what a {@link SafetensorsWriter} writes. */
public final class SafetensorsWriterBuilder {

    private final Path target;
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final Map<String, SafetensorsLayout.Declared> declared = new LinkedHashMap<>();

    SafetensorsWriterBuilder(Path target) {
        this.target = target;
    }

    /** Adds a string that the file says about itself. */
    public SafetensorsWriterBuilder metadata(String key, String value) {
        metadata.put(key, value);
        return this;
    }

    /** Declares a tensor. Names are unique. */
    public SafetensorsWriterBuilder tensor(String name, DType type, Shape shape) {
        if (name.equals(SafetensorsHeader.METADATA)) {
            throw new IllegalArgumentException("'%s' is not a name for tensors".formatted(name));
        }
        if (declared.putIfAbsent(name, new SafetensorsLayout.Declared(name, SafetensorsType.of(type), shape)) != null) {
            throw new IllegalArgumentException("Tensor '%s' was declared twice".formatted(name));
        }
        return this;
    }

    /**
     * Creates the file under a temporary name in the target's directory and writes its header.
     *
     * @throws io.backpack4j.spi.BackpackException if the file cannot be written
     */
    public SafetensorsWriter open() {
        SafetensorsLayout layout = SafetensorsLayout.of(target.toString(), metadata, declared.values());
        ReplacementFile file = ReplacementFile.create(target);
        try {
            int dataStart = layout.start().limit();
            file.write(0, layout.start());
            return new SafetensorsWriter(file, dataStart, layout.tensors());
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }
}
