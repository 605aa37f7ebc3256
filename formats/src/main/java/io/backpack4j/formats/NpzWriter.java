// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Writes NumPy's npz: a zip archive with a member {@code <name>.npy} for every tensor, as {@code numpy.savez} does.
 * Members are stored, so that their places are known before their numbers, which come in any order and by ranges;
 * checksums follow at the end. Belongs to one thread.
 */
final class NpzWriter implements TensorWriter {

    private final ReplacementFile file;
    private final ZipLayout layout;
    private final Map<String, ZipMember> members;
    private final TensorRegions regions;

    /** The element type and shape of a tensor. */
    record Declared(DType type, Shape shape) {}

    private NpzWriter(ReplacementFile file, ZipLayout layout, Map<String, ZipMember> members) {
        this.file = file;
        this.layout = layout;
        this.members = members;
        this.regions = new TensorRegions(file, this::sum);
    }

    /** Creates the file under a temporary name and writes what stands before the numbers. */
    static NpzWriter open(Path target, Map<String, Declared> tensors) {
        return open(target, tensors, ZipLayout.LIMIT);
    }

    /** @param limit the first size and offset that need zip64; lower than the format's only in tests */
    static NpzWriter open(Path target, Map<String, Declared> tensors, long limit) {
        ZipLayout layout = new ZipLayout(target, limit);
        Map<String, ZipMember> members = new LinkedHashMap<>();
        tensors.forEach((name, declared) -> members.put(name, member(target, layout, name, declared)));
        ReplacementFile file = ReplacementFile.create(target);
        try {
            NpzWriter writer = new NpzWriter(file, layout, members);
            tensors.forEach(writer::add);
            return writer;
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    private static ZipMember member(Path target, ZipLayout layout, String name, Declared declared) {
        SafetensorsType type = SafetensorsType.of(declared.type());
        try {
            long bytes = Math.multiplyExact(declared.shape().elements(), (long) type.bytes());
            return layout.add(name + ".npy", NpyHeader.of(type, declared.shape()), bytes);
        } catch (ArithmeticException e) {
            throw Failures.unwritable(
                    target.toString(),
                    "tensor %s of shape %s is too large".formatted(Failures.quoted(name), declared.shape()));
        }
    }

    private ZipMember member(String name) {
        return Objects.requireNonNull(members.get(name));
    }

    private void add(String name, Declared declared) {
        ZipMember member = member(name);
        regions.add(name, SafetensorsType.of(declared.type()), declared.shape(), member.dataPosition());
        file.write(member.headPosition(), ByteBuffer.wrap(member.head()));
    }

    private void sum(String name, long at, ByteBuffer bytes) {
        member(name).written(at, bytes);
    }

    @Override
    public void write(String name, long from, double[] source, int offset, int count) {
        regions.write(name, from, source, offset, count);
    }

    @Override
    public void write(String name, long from, long[] source, int offset, int count) {
        regions.write(name, from, source, offset, count);
    }

    @Override
    public void commit() {
        regions.requireComplete();
        layout.finish(file);
        file.commit();
    }

    @Override
    public void close() {
        file.close();
    }
}
