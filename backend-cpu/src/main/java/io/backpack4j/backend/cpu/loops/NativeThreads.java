// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.openblas.presets.openblas_nolapack;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * The numbers of threads that native libraries use. OpenMP's is a setting of the calling thread, kept here one object
 * per thread. OpenBLAS's and ND4J's are settings of the process: the least of what open backends want holds. OpenBLAS's
 * pool and OpenMP's spin against each other on the same cores, so OpenBLAS stays on one thread while a backend with
 * oneDNN is open.
 */
public final class NativeThreads {

    private static final ThreadLocal<NativeThreads> OF_THREAD = ThreadLocal.withInitial(NativeThreads::new);
    private static final List<Integer> OPEN_BLAS = new ArrayList<>();
    private static final List<Integer> ND4J = new ArrayList<>();

    private final NativeOps openMp = NativeOpsHolder.getInstance().getDeviceNativeOps();
    private int current;

    private NativeThreads() {}

    public static NativeThreads ofThisThread() {
        return OF_THREAD.get();
    }

    /** Has OpenMP use that many threads for calls from this thread. */
    public void use(int threads) {
        if (current != threads) {
            openMp.setOmpNumThreads(threads);
            current = threads;
        }
    }

    /**
     * A backend opens.
     *
     * @param openBlas how many threads OpenBLAS may use at most
     * @param nd4j how many threads ND4J may use at most
     */
    static synchronized void open(int openBlas, int nd4j) {
        OPEN_BLAS.add(openBlas);
        ND4J.add(nd4j);
        apply();
    }

    /** The backend closes; the arguments are those of {@link #open}. */
    static synchronized void close(int openBlas, int nd4j) {
        OPEN_BLAS.remove(Integer.valueOf(openBlas));
        ND4J.remove(Integer.valueOf(nd4j));
        apply();
    }

    /** The number of threads that OpenBLAS uses now. */
    public static int openBlas() {
        return openblas_nolapack.blas_get_num_threads();
    }

    private static void apply() {
        OPEN_BLAS.stream().min(Integer::compare).ifPresent(openblas_nolapack::blas_set_num_threads);
        ND4J.stream().min(Integer::compare).ifPresent(threads -> {
            Nd4j.getEnvironment().setMaxThreads(threads);
            Nd4j.getEnvironment().setMaxMasterThreads(threads);
        });
    }
}
