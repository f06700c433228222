package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is one part, running in its own process.
type child struct {
	name     string
	args     []string
	log      string
	cmd      *exec.Cmd
	done     chan struct{}
	err      error // of the process; read it only after done is closed
	expected bool  // to end; guarded by supervisor.mu
}

func (c *child) runs() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// supervisor starts the parts, notices when one ends, and stops them all.
type supervisor struct {
	self     string // this program
	logs     string // folder for one log file per part
	mu       sync.Mutex
	children []*child
	failed   chan *child
	stopping bool
}

func newSupervisor(logs string) (*supervisor, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(logs, 0o700); err != nil {
		return nil, err
	}
	return &supervisor{self: self, logs: logs, failed: make(chan *child, 8)}, nil
}

func (s *supervisor) start(name string, args ...string) error {
	c, err := s.launch(name, args, os.O_TRUNC)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.children = append(s.children, c)
	return nil
}

// launch starts the process of a part, and looks after its end.
func (s *supervisor) launch(name string, args []string, log int) (*child, error) {
	path := filepath.Join(s.logs, name+".log")
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|log, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the child has its own copy
	cmd := exec.Command(s.self, append([]string{name}, args...)...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = childEnvironment(os.Environ())
	cmd.SysProcAttr = sysProcAttr()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c := &child{name: name, args: args, log: path, cmd: cmd, done: make(chan struct{})}
	go func() {
		c.err = cmd.Wait()
		close(c.done)
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.stopping && !c.expected {
			select {
			case s.failed <- c:
			default: // somebody else's end is reported already
			}
		}
	}()
	return c, nil
}

// childEnvironment keeps a proxy of this machine away from loopback, and keeps
// out ETCD_ variables, each of which etcd reads as a flag.
func childEnvironment(parent []string) []string {
	env := slices.DeleteFunc(slices.Clone(parent), func(entry string) bool {
		return strings.HasPrefix(entry, "ETCD_")
	})
	return append(env, "NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost")
}

// stop ends the parts in the reverse order of their start, so that none loses
// what it talks to.
func (s *supervisor) stop() {
	s.mu.Lock()
	s.stopping = true
	children := slices.Clone(s.children)
	s.mu.Unlock()
	slices.Reverse(children)
	for _, c := range children {
		// An error means that it has ended already, which is what we want.
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
		_ = c.cmd.Process.Signal(syscall.SIGCONT) // a paused one would not hear it
		select {
		case <-c.done:
		case <-time.After(2 * time.Second):
			// The API server may wait several seconds more for a watch of its
			// own. Everything is in etcd, and etcd outlives being killed.
			_ = c.cmd.Process.Kill()
			<-c.done
		}
	}
}

// await asks every 100 ms whether something has come true, and gives up when
// the time is over or a part ends.
func (s *supervisor) await(ctx context.Context, what string, ask func() error) error {
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w (last answer: %w)", what, ctx.Err(), err)
		case c := <-s.failed:
			return c.ended()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

var (
	errPortTaken = errors.New("a port was taken")
	errEnded     = errors.New("ended by itself")
)

// ended says why a part is gone, with the end of its log: whoever reads this
// in the output of a test no longer has the folder.
func (c *child) ended() error {
	text, err := os.ReadFile(c.log)
	if err != nil {
		text = []byte(err.Error())
	}
	if strings.Contains(string(text), "address already in use") {
		return fmt.Errorf("%s %w: %w", c.name, errEnded, errPortTaken)
	}
	const most = 2000
	if len(text) > most {
		text = text[len(text)-most:]
	}
	return fmt.Errorf("%s %w: %v; its log %s ends with:\n%s", c.name, errEnded, c.err, c.log, text)
}
