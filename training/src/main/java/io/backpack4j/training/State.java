// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.kernel.SessionState;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What somebody has to remember between steps, by name: tensors, numbers, and texts. Tensors that are put in are read
 * when the state is written, at once: they need not be copied. Names are free of each other below different {@link #at}
 * prefixes.
 */
public final class State {

    private static final int RANGE = 1 << 16;

    private final String prefix;
    private final TreeMap<String, SessionState.Numbers> tensors;
    private final TreeMap<String, String> texts;

    /** An empty state. */
    public State() {
        this("", new TreeMap<>(), new TreeMap<>());
    }

    /** A state that was read. */
    public State(Map<String, ? extends SessionState.Numbers> tensors, Map<String, String> texts) {
        this("", new TreeMap<>(tensors), new TreeMap<>(texts));
    }

    private State(String prefix, TreeMap<String, SessionState.Numbers> tensors, TreeMap<String, String> texts) {
        this.prefix = prefix;
        this.tensors = tensors;
        this.texts = texts;
    }

    /** The part of this state whose names begin with {@code owner/}. What is put there is put here. */
    public State at(String owner) {
        return new State(prefix + owner + "/", tensors, texts);
    }

    /** All tensors and lists of numbers, by full name. */
    public SortedMap<String, SessionState.Numbers> tensors() {
        return Collections.unmodifiableSortedMap(tensors);
    }

    /** All texts, by full name. */
    public SortedMap<String, String> texts() {
        return Collections.unmodifiableSortedMap(texts);
    }

    /** The names of tensors and lists of numbers below this state's prefix, without it. */
    public List<String> names() {
        return tensors.keySet().stream()
                .filter(name -> name.startsWith(prefix))
                .map(name -> name.substring(prefix.length()))
                .toList();
    }

    /** Whether there is a tensor or a text of a name. */
    public boolean has(String name) {
        return tensors.containsKey(prefix + name) || texts.containsKey(prefix + name);
    }

    /** Puts a tensor, which stays the caller's. */
    public void put(String name, Tensor tensor) {
        tensors.put(prefix + name, new OfTensor(tensor));
    }

    /** Puts numbers, which keep all their bits. */
    public void put(String name, double... numbers) {
        tensors.put(prefix + name, new OfNumbers(numbers.clone()));
    }

    /** Puts integers. */
    public void put(String name, long... integers) {
        tensors.put(prefix + name, new OfIntegers(integers.clone()));
    }

    /** Puts a text. */
    public void put(String name, String text) {
        texts.put(prefix + name, text);
    }

    /**
     * Reads a tensor into another of its shape.
     *
     * @throws BackpackException if there is none, or one of another shape
     */
    public void read(String name, Tensor destination) {
        SessionState.Numbers source = numbersOf(name);
        if (!source.shape().equals(destination.shape()) || source.dtype() != destination.dtype()) {
            throw foreign("has '%s' of %s %s, but %s %s is needed"
                    .formatted(
                            prefix + name, source.dtype(), source.shape(), destination.dtype(), destination.shape()));
        }
        long elements = source.shape().elements();
        if (source.dtype() == DType.INT64) {
            long[] integers = integers(name);
            destination.write(0, integers, 0, integers.length);
            return;
        }
        double[] range = new double[(int) Math.min(RANGE, elements)];
        for (long from = 0; from < elements; from += range.length) {
            int count = (int) Math.min(range.length, elements - from);
            source.read(from, range, 0, count);
            destination.write(from, range, 0, count);
        }
    }

    /** The shape of a tensor; that of a list of numbers is its length. */
    public Shape shape(String name) {
        return numbersOf(name).shape();
    }

    /** All numbers of a tensor or a list, row-major. */
    public double[] numbers(String name) {
        SessionState.Numbers source = numbersOf(name);
        double[] values = new double[Math.toIntExact(source.shape().elements())];
        source.read(0, values, 0, values.length);
        return values;
    }

    /** The number that was put alone. */
    public double number(String name) {
        return single(name, numbers(name).length, () -> numbers(name)[0]);
    }

    /** All integers of a tensor or a list. */
    public long[] integers(String name) {
        SessionState.Numbers source = numbersOf(name);
        long[] values = new long[Math.toIntExact(source.shape().elements())];
        source.readIntegers(0, values, 0, values.length);
        return values;
    }

    /** The integer that was put alone. */
    public long integer(String name) {
        return single(name, integers(name).length, () -> integers(name)[0]);
    }

    /** A text. */
    public String text(String name) {
        String text = texts.get(prefix + name);
        if (text == null) {
            throw foreign("lacks the text '%s'".formatted(prefix + name));
        }
        return text;
    }

    private <T> T single(String name, int count, java.util.function.Supplier<T> value) {
        if (count != 1) {
            throw foreign("has %d numbers as '%s', but one is needed".formatted(count, prefix + name));
        }
        return value.get();
    }

    private SessionState.Numbers numbersOf(String name) {
        SessionState.Numbers numbers = tensors.get(prefix + name);
        if (numbers == null) {
            throw foreign("lacks '%s'".formatted(prefix + name));
        }
        return numbers;
    }

    private static BackpackException foreign(String what) {
        return new BackpackException(
                TrainingProblems.FOREIGN_CHECKPOINT,
                "The checkpoint %s. It is of another model, optimiser or run: name its own, or start anew."
                        .formatted(what));
    }

    private record OfTensor(Tensor tensor) implements SessionState.Numbers {

        @Override
        public DType dtype() {
            return tensor.dtype();
        }

        @Override
        public Shape shape() {
            return tensor.shape();
        }

        @Override
        public void read(long from, double[] target, int offset, int count) {
            tensor.read(from, target, offset, count);
        }

        @Override
        public void readIntegers(long from, long[] target, int offset, int count) {
            tensor.read(from, target, offset, count);
        }
    }

    private record OfNumbers(double[] values) implements SessionState.Numbers {

        @Override
        public DType dtype() {
            return DType.FLOAT64;
        }

        @Override
        public Shape shape() {
            return Shape.of(values.length);
        }

        @Override
        public void read(long from, double[] target, int offset, int count) {
            System.arraycopy(values, (int) from, target, offset, count);
        }
    }

    private record OfIntegers(long[] values) implements SessionState.Numbers {

        @Override
        public DType dtype() {
            return DType.INT64;
        }

        @Override
        public Shape shape() {
            return Shape.of(values.length);
        }

        @Override
        public void read(long from, double[] target, int offset, int count) {
            for (int i = 0; i < count; i++) {
                target[offset + i] = values[(int) from + i];
            }
        }

        @Override
        public void readIntegers(long from, long[] target, int offset, int count) {
            System.arraycopy(values, (int) from, target, offset, count);
        }
    }
}
