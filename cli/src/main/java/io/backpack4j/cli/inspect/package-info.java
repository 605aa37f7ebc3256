// SPDX-License-Identifier: Apache-2.0
/** The command {@code inspect}: what a model is made of, what it supports, and what a request would cost. */
@NullMarked
package io.backpack4j.cli.inspect;

import org.jspecify.annotations.NullMarked;
