/**
 * What happens when something goes wrong: bad files, failing plugins, numbers that are not finite, too little memory,
 * many threads, very many passes.
 */
@NullMarked
package io.backpack4j.it.robustness;

import org.jspecify.annotations.NullMarked;
