package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// readOrders passes lines on until the input ends.
func readOrders(in io.Reader, orders chan<- string) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		orders <- lines.Text()
	}
}

// answer says in one line that an order has been obeyed, or why not.
func answer(order string, err error) error {
	said := map[string]string{"done": order}
	if err != nil {
		said = map[string]string{"error": order + ": " + err.Error()}
	}
	line, err := json.Marshal(said)
	if err != nil {
		return err
	}
	_, err = fmt.Println(string(line))
	return err
}

// obey does something to one part, and returns when it is done: a part that was
// started is ready.
func (o upOptions) obey(ctx context.Context, s *supervisor, c *cluster, order string) error {
	verb, name, _ := strings.Cut(order, " ")
	i, err := s.find(name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	switch verb {
	case "stop":
		return s.kill(i)
	case "start":
		return o.startAgain(ctx, s, c, i)
	case "restart":
		if err := s.kill(i); err != nil {
			return err
		}
		return o.startAgain(ctx, s, c, i)
	case "pause":
		return s.signal(i, syscall.SIGSTOP)
	case "resume":
		return s.signal(i, syscall.SIGCONT)
	}
	return fmt.Errorf("there are stop, start, restart, pause and resume, not %q", verb)
}

func (o upOptions) startAgain(ctx context.Context, s *supervisor, c *cluster, i int) error {
	part := s.children[i]
	if part.runs() {
		return errors.New("it runs")
	}
	if part.name == "fake-kubelet" {
		if err := os.Remove(c.nodesReady()); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	again, err := s.launch(part.name, part.args, os.O_APPEND)
	if err != nil {
		return err
	}
	s.children[i] = again
	switch part.name {
	case "etcd":
		if err := s.await(ctx, "etcd", c.askEtcd()); err != nil {
			return err
		}
		if server, err := s.find("kube-apiserver"); err != nil || !s.children[server].runs() {
			return err
		}
		return s.await(ctx, c.server+"/readyz", c.askReady())
	case "kube-apiserver":
		return s.await(ctx, c.server+"/readyz", c.askReady())
	case "fake-kubelet":
		return s.await(ctx, "nodes", c.askNodes())
	}
	return nil // the others have no door to knock at
}

// find is the place of a part among the children.
func (s *supervisor) find(name string) (int, error) {
	for i, c := range s.children {
		if c.name == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no part %q was started", name)
}

// kill ends a part at once, as a machine that loses its power does.
func (s *supervisor) kill(i int) error {
	c := s.children[i]
	s.mu.Lock()
	c.expected = true
	s.mu.Unlock()
	if err := c.cmd.Process.Kill(); err != nil {
		return err
	}
	<-c.done
	return nil
}

func (s *supervisor) signal(i int, signal os.Signal) error {
	return s.children[i].cmd.Process.Signal(signal)
}
