// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

/**
 * A thread's small arrays, through which loops read and write native memory, and movable addresses. The arrays fit into
 * the first cache.
 */
public final class Scratch {

    /** The number of elements that loops handle at a time. */
    public static final int CHUNK = 1024;

    private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

    public final double[] a = new double[CHUNK];
    public final double[] b = new double[CHUNK];
    public final double[] c = new double[CHUNK];
    public final float[] floats = new float[CHUNK];
    public final float[] moreFloats = new float[CHUNK];
    public final int[] ints = new int[CHUNK];
    public final long[] longs = new long[CHUNK];
    public final Address from = new Address();
    public final Address to = new Address();
    public final FloatAddress floatAddress = new FloatAddress();
    public final IntAddress intAddress = new IntAddress();

    private Scratch() {}

    public static Scratch get() {
        return OF_THREAD.get();
    }
}
