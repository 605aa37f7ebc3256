// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

/** The files of kernels, resources beside this package's classes. */
enum KernelFile {
    ELEMENTWISE,
    REDUCTIONS,
    INDEXING,
    POOLING,
    CONVOLUTIONS,
    CONTRACTIONS,
    RANDOM;

    /** Its name, such as {@code reductions.cu}. */
    String fileName() {
        return name().toLowerCase(java.util.Locale.ROOT) + ".cu";
    }
}
