// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads the header of a safetensors file and checks that it describes every byte of the data section exactly once. */
final class SafetensorsHeader {

    /** Before the header stands its length. */
    static final int LENGTH_BYTES = 8;

    static final long MAX_BYTES = 100_000_000;
    static final String METADATA = "__metadata__";
    static final String DTYPE = "dtype";
    static final String SHAPE = "shape";
    static final String OFFSETS = "data_offsets";

    /** The length of a data section that ends when all is read. */
    static final long UNKNOWN_BYTES = Long.MAX_VALUE;

    private static final Set<String> KEYS = new TreeSet<>(List.of(DTYPE, SHAPE, OFFSETS));

    private final String file;
    private final long dataBytes;
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    SafetensorsHeader(String file, ByteBuffer json, long dataBytes) {
        this.file = file;
        this.dataBytes = dataBytes;
        if (json.get(json.position()) != '{') {
            throw Failures.invalid(
                    file, "is not a safetensors file: its header does not begin with '{', directly after its length.");
        }
        StrictJson.object(json, file, "header").forEach((name, entry) -> {
            if (name.equals(METADATA)) {
                readMetadata(entry);
            } else {
                tensors.put(name, readTensor(name, entry));
            }
        });
        checkLayout();
    }

    Map<String, TensorInfo> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    Map<String, String> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    private void readMetadata(@Nullable Object entry) {
        if (!(entry instanceof Map<?, ?> map)) {
            throw Failures.invalid(file, "has '%s' that is not an object of strings.".formatted(METADATA));
        }
        map.forEach((key, value) -> {
            if (!(value instanceof String text)) {
                throw Failures.invalid(
                        file,
                        "has '%s' with the key %s that is not a string."
                                .formatted(METADATA, Failures.quoted(String.valueOf(key))));
            }
            metadata.put(String.valueOf(key), text);
        });
    }

    private TensorInfo readTensor(String name, @Nullable Object entry) {
        if (!(entry instanceof Map<?, ?> map) || !map.keySet().equals(KEYS)) {
            throw invalid(name, "must be an object of exactly " + String.join(", ", KEYS));
        }
        SafetensorsType type = readType(name, map.get(DTYPE));
        long[] sizes = readIntegers(name, SHAPE, map.get(SHAPE));
        long[] offsets = readIntegers(name, OFFSETS, map.get(OFFSETS));
        if (offsets.length != 2 || offsets[0] > offsets[1]) {
            throw invalid(
                    name,
                    "has data_offsets " + Arrays.toString(offsets) + ", but must have [begin, end], begin <= end");
        }
        if (offsets[1] > dataBytes) {
            throw invalid(
                    name,
                    "has data_offsets %s, but the data section has %d bytes. The file is cut short or damaged"
                            .formatted(Arrays.toString(offsets), dataBytes));
        }
        Shape shape = readShape(name, sizes);
        checkSize(name, type, shape, offsets[1] - offsets[0]);
        return new TensorInfo(name, type, shape, offsets[0], offsets[1]);
    }

    private SafetensorsType readType(String name, @Nullable Object value) {
        return Arrays.stream(SafetensorsType.values())
                .filter(type -> type.name().equals(value))
                .findFirst()
                .orElseThrow(() -> invalid(
                        name,
                        "has dtype %s, which is not known. Possible: %s"
                                .formatted(
                                        Failures.quoted(String.valueOf(value)),
                                        Arrays.stream(SafetensorsType.values())
                                                .map(Enum::name)
                                                .sorted()
                                                .collect(Collectors.joining(", ")))));
    }

    private long[] readIntegers(String name, String key, @Nullable Object value) {
        if (value instanceof List<?> list
                && list.stream().allMatch(element -> element instanceof Long number && number >= 0)) {
            return list.stream().mapToLong(Long.class::cast).toArray();
        }
        throw invalid(
                name,
                "has %s %s, but must have a list of integers that are not negative"
                        .formatted(key, Failures.quoted(String.valueOf(value))));
    }

    private Shape readShape(String name, long[] sizes) {
        try {
            return Shape.of(sizes);
        } catch (BackpackException e) {
            throw invalid(name, "has shape " + Arrays.toString(sizes) + " with more elements than can be counted");
        }
    }

    private void checkSize(String name, SafetensorsType type, Shape shape, long bytes) {
        // Division, because the product may overflow.
        if (bytes % type.bytes() != 0 || bytes / type.bytes() != shape.elements()) {
            throw invalid(
                    name,
                    "has %d bytes, but shape %s of %s needs %s times %d"
                            .formatted(bytes, shape, type, shape.elements(), type.bytes()));
        }
    }

    private void checkLayout() {
        List<TensorInfo> ordered = new ArrayList<>(tensors.values());
        ordered.sort(Comparator.comparingLong(TensorInfo::begin).thenComparingLong(TensorInfo::end));
        long end = 0;
        for (TensorInfo tensor : ordered) {
            if (tensor.begin() < end) {
                throw invalid(
                        tensor.name(),
                        "begins at byte %d of the data, but the tensor before it ends at %d. Tensors must not overlap"
                                .formatted(tensor.begin(), end));
            }
            if (tensor.begin() > end) {
                throw invalid(
                        tensor.name(),
                        "begins at byte %d of the data, but the tensor before it ends at %d. There must be no gap"
                                .formatted(tensor.begin(), end));
            }
            end = tensor.end();
        }
        if (end != dataBytes && dataBytes != UNKNOWN_BYTES) {
            throw Failures.invalid(
                    file, "has a data section of length %d, but its tensors end at %d.".formatted(dataBytes, end));
        }
    }

    private BackpackException invalid(String tensor, String what) {
        return Failures.invalid(file, "is not valid: tensor %s %s.".formatted(Failures.quoted(tensor), what));
    }
}
