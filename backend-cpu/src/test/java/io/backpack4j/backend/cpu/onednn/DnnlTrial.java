// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.GuardedMemory;
import io.backpack4j.backend.cpu.memory.GuardedMemory.Place;
import io.backpack4j.backend.cpu.memory.MemoryPool;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Primitives with their operands and what must come out. They run three times: between borders of NaN, between borders
 * of a large number, which must change no bit, and at the very end of memory.
 */
final class DnnlTrial implements AutoCloseable {

    private static final byte NAN = (byte) 0xFF;
    private static final byte LARGE = 0x71;

    /** Errors per unit of the summed magnitudes. */
    static final double TOLERANCE = 2e-6;

    private final String kind;
    private final String shape;
    private final List<Operand> operands = new ArrayList<>();
    private final List<Step> steps = new ArrayList<>();

    DnnlTrial(String kind, String shape) {
        this.kind = kind;
        this.shape = shape;
    }

    private record Step(DnnlPrimitive primitive, Operand[] arguments) {}

    /** Memory that primitives read, write, or both. */
    static final class Operand {
        final String name;
        final int bytes;

        /** What is there at first; NaN stands for poison. Empty: poison only. */
        final float[] contents;

        /** What must be there at last; NaN for what must still be as it was. Empty: not known. */
        double[] expected = {};

        double[] magnitudes = {};

        private Operand(String name, int bytes, float[] contents) {
            this.name = name;
            this.bytes = bytes;
            this.contents = contents;
        }

        /** Has to become {@code sums}, with errors relative to {@code sizes}. */
        void expect(double[] sums, double[] sizes) {
            expected = sums;
            magnitudes = sizes;
        }
    }

    /** An operand that is read. */
    Operand given(String name, float[] contents) {
        return add(new Operand(name, contents.length * Float.BYTES, contents));
    }

    /** An operand that is written. */
    Operand made(String name, double[] sums, double[] magnitudes) {
        Operand operand = add(new Operand(name, sums.length * Float.BYTES, new float[0]));
        operand.expect(sums, magnitudes);
        return operand;
    }

    /** An operand that is read and written. */
    Operand changed(String name, float[] contents, double[] sums, double[] magnitudes) {
        Operand operand = given(name, contents);
        operand.expect(sums, magnitudes);
        return operand;
    }

    /** An operand whose order is oneDNN's own. */
    Operand opaque(String name, long bytes) {
        return add(new Operand(name, (int) bytes, new float[0]));
    }

    /** An operand that is read, or what a step makes of it first: bfloat16, which its numbers must be. */
    Operand given(String name, float[] contents, boolean rounded) {
        Operand given = given(name, contents);
        if (!rounded) {
            return given;
        }
        Operand to = opaque("rounded " + name, (long) contents.length * Rounding.BYTES);
        step(DnnlRecipes.round(contents.length), given, to);
        return to;
    }

    private Operand add(Operand operand) {
        operands.add(operand);
        return operand;
    }

    DnnlTrial step(DnnlPrimitive primitive, Operand... arguments) {
        steps.add(new Step(primitive, arguments));
        return this;
    }

    String kind() {
        return kind;
    }

    /** What is tried, with the names of oneDNN's implementations. */
    String description() {
        List<String> names = new ArrayList<>();
        steps.forEach(step -> names.add(step.primitive.implementation()));
        return kind + " " + shape + " by " + names;
    }

    /** oneDNN's name of the step that is not a reorder, if there is one. */
    String implementation() {
        return steps.stream()
                .map(step -> step.primitive.implementation())
                .filter(name -> !name.startsWith("jit:uni")
                        && !name.startsWith("jit_direct_copy")
                        && !name.startsWith("jit:blk"))
                .findFirst()
                .orElse(steps.get(0).primitive.implementation());
    }

    boolean usable() {
        for (Step step : steps) {
            if (!step.primitive.usable()) {
                return false;
            }
        }
        return true;
    }

    boolean fits() {
        long most = 0;
        for (Operand operand : operands) {
            most = Math.max(most, operand.bytes);
        }
        for (Step step : steps) {
            most = Math.max(most, step.primitive.bytes(step.arguments.length));
        }
        return most <= GuardedMemory.CAPACITY && operands.size() + steps.size() <= Arena.SLOTS;
    }

    /** What is wrong, if anything. */
    Optional<String> run(Arena arena) {
        List<int[]> first = run(arena, Place.ALIGNED, NAN);
        Optional<String> problem = check(arena, "between NaN");
        if (problem.isPresent()) {
            return problem;
        }
        List<int[]> second = run(arena, Place.ALIGNED, LARGE);
        problem = check(arena, "between large numbers");
        if (problem.isPresent()) {
            return problem;
        }
        for (int i = 0; i < first.size(); i++) {
            if (!Arrays.equals(first.get(i), second.get(i))) {
                return Optional.of("results differ between two runs");
            }
        }
        run(arena, Place.AT_END, NAN);
        return check(arena, "at the end");
    }

    /** The bits of everything that is expected. */
    private List<int[]> run(Arena arena, Place where, byte poison) {
        long[] addresses = new long[operands.size()];
        for (int i = 0; i < addresses.length; i++) {
            Operand operand = operands.get(i);
            boolean opaque = operand.contents.length == 0 && operand.expected.length == 0;
            Place place = opaque && where == Place.AT_END ? Place.ALIGNED_AT_END : where;
            addresses[i] = arena.slots.get(i).place(operand.bytes, place, poison);
            arena.slots.get(i).floats().put(0, poisoned(operand.contents, poison));
        }
        for (int s = 0; s < steps.size(); s++) {
            Step step = steps.get(s);
            int count = step.arguments.length;
            for (int i = 0; i < count; i++) {
                step.primitive.at(i, addresses[operands.indexOf(step.arguments[i])]);
            }
            GuardedMemory scratchpad = arena.slots.get(operands.size() + s);
            Place place = where == Place.AT_END ? Place.ALIGNED_AT_END : where;
            int bytes = (int) step.primitive.bytes(count);
            step.primitive.at(count, scratchpad.place(bytes, place, poison)).execute(arena.context);
        }
        List<int[]> bits = new ArrayList<>();
        for (int i = 0; i < addresses.length; i++) {
            if (operands.get(i).expected.length > 0) {
                bits.add(bits(arena.slots.get(i).floats(), operands.get(i).expected));
            }
        }
        return bits;
    }

    private static float[] poisoned(float[] contents, byte poison) {
        float[] result = contents.clone();
        float value = Float.intBitsToFloat(poisonBits(poison));
        for (int i = 0; i < result.length; i++) {
            if (Float.isNaN(result[i])) {
                result[i] = value;
            }
        }
        return result;
    }

    private static int poisonBits(byte poison) {
        int bits = poison & 0xFF;
        return bits << 24 | bits << 16 | bits << 8 | bits;
    }

    private static int[] bits(FloatBuffer numbers, double[] expected) {
        int[] bits = new int[numbers.capacity()];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Double.isNaN(expected[i]) ? 0 : Float.floatToRawIntBits(numbers.get(i));
        }
        return bits;
    }

    private Optional<String> check(Arena arena, String where) {
        for (int i = 0; i < operands.size() + steps.size(); i++) {
            boolean scratchpad = i >= operands.size();
            int written = arena.slots.get(i).firstWritten();
            if (written != 0) {
                String name = scratchpad ? "scratchpad" : operands.get(i).name;
                return Optional.of("%s: byte %d of %s is written".formatted(where, written, name));
            }
        }
        for (int i = 0; i < operands.size(); i++) {
            Operand operand = operands.get(i);
            FloatBuffer found = arena.slots.get(i).floats();
            for (int at = 0; at < operand.expected.length; at++) {
                String problem = problem(operand, at, found.get(at));
                if (!problem.isEmpty()) {
                    return Optional.of("%s: element %d of %s %s".formatted(where, at, operand.name, problem));
                }
            }
            if (operand.expected.length == 0) {
                for (int at = 0; at < operand.contents.length; at++) {
                    boolean poison = Float.isNaN(operand.contents[at]);
                    if (!poison && found.get(at) != operand.contents[at]) {
                        return Optional.of("%s: input %s is changed".formatted(where, operand.name));
                    }
                }
            }
        }
        return Optional.empty();
    }

    private static String problem(Operand operand, int at, float found) {
        double expected = operand.expected[at];
        if (Double.isNaN(expected)) {
            int bits = Float.floatToRawIntBits(found);
            boolean untouched = bits == poisonBits(NAN) || bits == poisonBits(LARGE);
            return untouched ? "" : "is written, but lies in a gap";
        }
        double tolerance = TOLERANCE * operand.magnitudes[at] + Float.MIN_NORMAL;
        return Math.abs(found - expected) <= tolerance
                ? ""
                : "is %s, not %s (magnitude %s)".formatted(found, expected, operand.magnitudes[at]);
    }

    @Override
    public void close() {
        steps.forEach(step -> step.primitive.close());
    }

    /** Memory for operands, and what runs primitives. */
    static final class Arena implements AutoCloseable {

        static final int SLOTS = 10;

        final MemoryPool pool = new MemoryPool(1 << 20);
        final DnnlContext context = new DnnlContext(pool, 1);
        final List<GuardedMemory> slots = new ArrayList<>();

        Arena(boolean guarded) throws IOException {
            for (int i = 0; i < SLOTS; i++) {
                slots.add(new GuardedMemory(guarded));
            }
        }

        @Override
        public void close() {
            context.close();
            pool.close();
        }
    }
}
