package io.backpack4j.backend.cpu;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.openblas.presets.openblas_nolapack;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * The numbers of threads that native libraries use. OpenMP's is a setting of the calling thread, OpenBLAS's one of the process: its pool and
 * OpenMP's spin against each other on the same cores, so OpenBLAS stays on one thread while a backend with oneDNN is open.
 */
final class NativeThreads {

    private static final ThreadLocal<int[]> OPEN_MP = ThreadLocal.withInitial(() -> new int[1]);
    private static final List<Integer> OPEN_BLAS = new ArrayList<>();

    private NativeThreads() {}

    /** Has OpenMP use that many threads for calls from this thread. */
    static void use(int threads) {
        int[] current = OPEN_MP.get();
        if (current[0] != threads) {
            NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(threads);
            current[0] = threads;
        }
    }

    /** A backend opens that wants OpenBLAS to use at most that many threads. */
    static synchronized void limitOpenBlas(int threads) {
        OPEN_BLAS.add(threads);
        apply();
    }

    /** The backend closes. */
    static synchronized void unlimitOpenBlas(int threads) {
        OPEN_BLAS.remove(Integer.valueOf(threads));
        apply();
    }

    /** The number of threads that OpenBLAS uses now. */
    static int openBlas() {
        return openblas_nolapack.blas_get_num_threads();
    }

    private static void apply() {
        OPEN_BLAS.stream().min(Integer::compare).ifPresent(openblas_nolapack::blas_set_num_threads);
    }
}
