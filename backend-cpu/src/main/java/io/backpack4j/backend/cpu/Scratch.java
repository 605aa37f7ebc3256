package io.backpack4j.backend.cpu;

/**
 * A thread's small arrays, through which loops read and write native memory, and movable addresses. The arrays fit into
 * the first cache.
 */
final class Scratch {

    /** The number of elements that loops handle at a time. */
    static final int CHUNK = 1024;

    private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

    final double[] a = new double[CHUNK];
    final double[] b = new double[CHUNK];
    final double[] c = new double[CHUNK];
    final float[] floats = new float[CHUNK];
    final float[] moreFloats = new float[CHUNK];
    final int[] ints = new int[CHUNK];
    final long[] longs = new long[CHUNK];
    final Address from = new Address();
    final Address to = new Address();
    final FloatAddress floatAddress = new FloatAddress();
    final IntAddress intAddress = new IntAddress();

    private Scratch() {}

    static Scratch get() {
        return OF_THREAD.get();
    }
}
