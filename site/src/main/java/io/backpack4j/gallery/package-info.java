// SPDX-License-Identifier: Apache-2.0
/** The gallery's programs. Each has a {@code main} that takes a folder for its pictures and prints what it found. */
@NullMarked
package io.backpack4j.gallery;

import org.jspecify.annotations.NullMarked;
